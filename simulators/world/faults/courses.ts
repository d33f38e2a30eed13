/** Every course of the world in one list. */
import type { Course } from './course.ts';
import { emissionsCourses } from './courses-emissions.ts';
import { powertrainCourses } from './courses-powertrain.ts';
import { vehicleCourses } from './courses-vehicle.ts';

export const courses: readonly Course[] = [...emissionsCourses, ...powertrainCourses, ...vehicleCourses];
