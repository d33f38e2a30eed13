/** The front door of the reports leads to the first of them. */
import { resolve } from '$app/paths';
import { redirect } from '@sveltejs/kit';

export const load = (): never => redirect(307, resolve('/(app)/reports/prediction-accuracy'));
