/** The codes this world's controllers can set, named in our own words. */
import type { VehicleSystem } from '#contracts/faults';

export interface WorldCode {
  spn: number;
  fmi: number;
  sourceAddress: number;
  system: VehicleSystem;
  /** As the portal prints it. */
  name: string;
}

const code = (spn: number, fmi: number, sourceAddress: number, system: VehicleSystem, name: string): WorldCode => ({
  spn,
  fmi,
  sourceAddress,
  system,
  name,
});

/** Source addresses of J1939-81: who says it. */
const engine = 0;
const transmission = 3;
const brakes = 11;
const instruments = 23;
const climate = 25;
const body = 33;
const tires = 51;
const exhaust = 61;

export const codes = {
  // Aftertreatment
  dpfPressureHigh: code(3251, 16, engine, 'aftertreatment', 'Aftertreatment DPF Differential Pressure High'),
  dpfPressureSevere: code(3251, 0, engine, 'aftertreatment', 'Aftertreatment DPF Differential Pressure Severely High'),
  dpfPressureErratic: code(3251, 2, engine, 'aftertreatment', 'Aftertreatment DPF Differential Pressure Erratic'),
  sootHigh: code(3719, 16, engine, 'aftertreatment', 'DPF Soot Load High, Regeneration Required'),
  sootSevere: code(3719, 0, engine, 'aftertreatment', 'DPF Soot Load Severely High, Stop Soon'),
  ashHigh: code(3720, 15, engine, 'aftertreatment', 'DPF Ash Load Near Limit'),
  ashFull: code(3720, 16, engine, 'aftertreatment', 'DPF Ash Load High, Cleaning Required'),
  scrEfficiencyLow: code(4364, 18, engine, 'aftertreatment', 'SCR Conversion Efficiency Low'),
  scrEfficiencySevere: code(4364, 1, engine, 'aftertreatment', 'SCR Conversion Efficiency Severely Low'),
  noxOutletLow: code(3226, 4, exhaust, 'aftertreatment', 'Outlet NOx Sensor Voltage Low'),
  noxOutletRate: code(3226, 10, exhaust, 'aftertreatment', 'Outlet NOx Sensor Abnormal Rate of Change'),
  noxInletDefective: code(3216, 12, exhaust, 'aftertreatment', 'Inlet NOx Sensor Defective'),
  defLevelLow: code(1761, 17, engine, 'aftertreatment', 'DEF Tank Level Low'),
  defLevelVeryLow: code(1761, 18, engine, 'aftertreatment', 'DEF Tank Level Very Low'),
  defLevelEmpty: code(1761, 1, engine, 'aftertreatment', 'DEF Tank Empty'),
  defQuality: code(3364, 18, engine, 'aftertreatment', 'DEF Quality Low'),
  defQualitySevere: code(3364, 1, engine, 'aftertreatment', 'DEF Quality Severely Low'),
  defPressureLow: code(4334, 18, engine, 'aftertreatment', 'DEF Dosing Pressure Low'),
  defDoserStuck: code(5394, 7, engine, 'aftertreatment', 'DEF Dosing Valve Not Responding'),
  defTankHeater: code(3031, 18, engine, 'aftertreatment', 'DEF Tank Temperature Low'),
  inducement: code(5246, 15, engine, 'aftertreatment', 'Operator Inducement Active'),
  inducementSevere: code(5246, 0, engine, 'aftertreatment', 'Operator Inducement Final, 5 mph Limit'),
  // Engine
  derate: code(1569, 31, engine, 'engine', 'Engine Protection Torque Derate'),
  oilPressureLow: code(100, 18, engine, 'engine', 'Engine Oil Pressure Low'),
  oilPressureSevere: code(100, 1, engine, 'engine', 'Engine Oil Pressure Severely Low'),
  oilTemperatureHigh: code(175, 16, engine, 'engine', 'Engine Oil Temperature High'),
  crankcaseHigh: code(101, 16, engine, 'engine', 'Crankcase Pressure High'),
  crankcaseSevere: code(101, 0, engine, 'engine', 'Crankcase Pressure Severely High'),
  camSensor: code(723, 2, engine, 'engine', 'Camshaft Speed Sensor Erratic'),
  crankSensor: code(636, 2, engine, 'engine', 'Crankshaft Position Sensor Erratic'),
  misfireThree: code(1325, 11, engine, 'engine', 'Cylinder 3 Misfire'),
  injectorThree: code(653, 7, engine, 'engine', 'Cylinder 3 Injector Not Responding'),
  injectorFiveOpen: code(655, 5, engine, 'engine', 'Cylinder 5 Injector Circuit Open'),
  egrValveStuck: code(2791, 7, engine, 'engine', 'EGR Valve Not Responding'),
  egrFlowLow: code(2659, 18, engine, 'engine', 'EGR Mass Flow Low'),
  egrTemperature: code(412, 16, engine, 'engine', 'EGR Temperature High'),
  // Cooling
  coolantTemperatureHigh: code(110, 16, engine, 'cooling', 'Coolant Temperature High'),
  coolantTemperatureSevere: code(110, 0, engine, 'cooling', 'Coolant Temperature Severely High'),
  coolantLevelLow: code(111, 18, engine, 'cooling', 'Coolant Level Low'),
  coolantLevelSevere: code(111, 1, engine, 'cooling', 'Coolant Level Severely Low'),
  fanClutchOpen: code(647, 5, engine, 'cooling', 'Fan Clutch Circuit Open'),
  // Fuel
  fuelPressureLow: code(94, 18, engine, 'fuel', 'Fuel Delivery Pressure Low'),
  fuelPressureSevere: code(94, 1, engine, 'fuel', 'Fuel Delivery Pressure Severely Low'),
  waterInFuel: code(97, 15, engine, 'fuel', 'Water in Fuel'),
  railPressureLow: code(157, 18, engine, 'fuel', 'Fuel Rail Pressure Low'),
  fuelPumpActuator: code(1347, 7, engine, 'fuel', 'High Pressure Pump Actuator Not Responding'),
  // Air intake
  filterRestricted: code(107, 15, engine, 'air_intake', 'Air Filter Restriction Rising'),
  filterBlocked: code(107, 0, engine, 'air_intake', 'Air Filter Restriction Severe'),
  boostLow: code(102, 18, engine, 'air_intake', 'Boost Pressure Low'),
  intakeTemperature: code(105, 16, engine, 'air_intake', 'Intake Manifold Temperature High'),
  turboActuator: code(641, 7, engine, 'air_intake', 'Turbocharger Actuator Not Responding'),
  turboActuatorLink: code(641, 9, engine, 'air_intake', 'Turbocharger Actuator Message Rate Abnormal'),
  // Electrical and charging
  chargingLow: code(167, 18, engine, 'electrical', 'Charging System Voltage Low'),
  batteryLow: code(168, 17, engine, 'electrical', 'Battery Voltage Low'),
  batterySevere: code(168, 1, engine, 'electrical', 'Battery Voltage Severely Low'),
  keySwitchLow: code(158, 18, engine, 'electrical', 'Key Switch Voltage Low'),
  sensorSupply: code(3509, 4, engine, 'electrical', 'Sensor Supply 1 Voltage Low'),
  starterRelay: code(677, 5, engine, 'electrical', 'Starter Relay Circuit Open'),
  // Brakes
  wheelSensorLeft: code(789, 8, brakes, 'brakes', 'ABS Wheel Sensor Axle 1 Left Abnormal Frequency'),
  wheelSensorRight: code(792, 2, brakes, 'brakes', 'ABS Wheel Sensor Axle 2 Right Erratic'),
  modulatorOpen: code(795, 5, brakes, 'brakes', 'ABS Modulator Axle 2 Left Circuit Open'),
  primaryAirLow: code(117, 18, brakes, 'brakes', 'Brake Primary Air Pressure Low'),
  primaryAirSevere: code(117, 1, brakes, 'brakes', 'Brake Primary Air Pressure Severely Low'),
  // Transmission
  gearOilHot: code(177, 16, transmission, 'transmission', 'Transmission Oil Temperature High'),
  gearOilSevere: code(177, 0, transmission, 'transmission', 'Transmission Oil Temperature Severely High'),
  outputSpeed: code(191, 8, transmission, 'transmission', 'Transmission Output Speed Abnormal Frequency'),
  clutchActuator: code(788, 7, transmission, 'transmission', 'Clutch Actuator Not Responding'),
  // Network
  mainNetwork: code(639, 9, engine, 'network', 'J1939 Network 1 Abnormal Update Rate'),
  mainNetworkBody: code(639, 19, body, 'network', 'J1939 Network 1 Data Received in Error'),
  secondNetwork: code(1231, 9, instruments, 'network', 'J1939 Network 2 Abnormal Update Rate'),
  // Cab, climate, steering and the rest
  compressorClutch: code(876, 5, climate, 'hvac', 'A/C Compressor Clutch Circuit Open'),
  refrigerantLow: code(875, 17, climate, 'hvac', 'A/C Refrigerant Pressure Low'),
  fuelSender: code(96, 3, instruments, 'cab', 'Fuel Level Sender Voltage High'),
  washerLow: code(80, 17, instruments, 'cab', 'Washer Fluid Level Low'),
  steeringAngle: code(1807, 13, brakes, 'steering', 'Steering Angle Sensor Out of Calibration'),
  tirePressure: code(241, 17, tires, 'other', 'Tire Pressure Low'),
  tirePressureSevere: code(241, 1, tires, 'other', 'Tire Pressure Severely Low'),
} as const satisfies Record<string, WorldCode>;

export type CodeKey = keyof typeof codes;
