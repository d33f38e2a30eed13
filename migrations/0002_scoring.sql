CREATE TABLE `calibration_checks` (
	`tenant_id` text PRIMARY KEY NOT NULL,
	`checked_at` text NOT NULL,
	`is_drifting` integer NOT NULL,
	`since` text,
	`reason` text,
	FOREIGN KEY (`tenant_id`) REFERENCES `tenants`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE TABLE `prediction_ledger` (
	`tenant_id` text NOT NULL,
	`model_version` text NOT NULL,
	`day` text NOT NULL,
	`horizon_days` integer NOT NULL,
	`decile` integer NOT NULL,
	`predictions` integer NOT NULL,
	`failures` integer NOT NULL,
	`censored` integer DEFAULT 0 NOT NULL,
	`chance_sum` real NOT NULL,
	`brier_sum` real NOT NULL,
	`log_loss_sum` real NOT NULL,
	`baseline_brier_sum` real NOT NULL,
	`baseline_log_loss_sum` real NOT NULL,
	PRIMARY KEY(`tenant_id`, `day`, `horizon_days`, `model_version`, `decile`),
	FOREIGN KEY (`tenant_id`) REFERENCES `tenants`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE TABLE `prediction_reviews` (
	`vehicle_id` text PRIMARY KEY NOT NULL,
	`tenant_id` text NOT NULL,
	`events_from` text NOT NULL,
	`events_to` text NOT NULL,
	`version` integer NOT NULL,
	FOREIGN KEY (`vehicle_id`) REFERENCES `vehicles`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`tenant_id`) REFERENCES `tenants`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `prediction_reviews_tenant` ON `prediction_reviews` (`tenant_id`,`vehicle_id`);--> statement-breakpoint
CREATE TABLE `scoring_models` (
	`id` text PRIMARY KEY NOT NULL,
	`tenant_id` text NOT NULL,
	`version` text NOT NULL,
	`status` text NOT NULL,
	`reason` text NOT NULL,
	`lineage` text NOT NULL,
	`quality` text NOT NULL,
	`artefact_key` text NOT NULL,
	`artefact_digest` text NOT NULL,
	`artefact_bytes` integer NOT NULL,
	`created_at` text NOT NULL,
	`activated_at` text,
	`retired_at` text,
	FOREIGN KEY (`tenant_id`) REFERENCES `tenants`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `scoring_models_active` ON `scoring_models` (`tenant_id`) WHERE status = 'active';--> statement-breakpoint
CREATE UNIQUE INDEX `scoring_models_version` ON `scoring_models` (`tenant_id`,`version`);--> statement-breakpoint
CREATE INDEX `scoring_models_tenant_created` ON `scoring_models` (`tenant_id`,`created_at`);--> statement-breakpoint
CREATE TABLE `training_runs` (
	`id` text PRIMARY KEY NOT NULL,
	`tenant_id` text NOT NULL,
	`status` text NOT NULL,
	`trigger` text NOT NULL,
	`started_at` text NOT NULL,
	`finished_at` text,
	`heartbeat_at` text NOT NULL,
	`progress` text NOT NULL,
	`outcome` text,
	`error` text,
	FOREIGN KEY (`tenant_id`) REFERENCES `tenants`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `training_runs_live` ON `training_runs` (`tenant_id`) WHERE status in ('queued', 'running');--> statement-breakpoint
CREATE INDEX `training_runs_tenant_started` ON `training_runs` (`tenant_id`,`started_at`);--> statement-breakpoint
CREATE INDEX `training_runs_status` ON `training_runs` (`status`,`heartbeat_at`);--> statement-breakpoint
CREATE TABLE `service_events` (
	`id` text PRIMARY KEY NOT NULL,
	`tenant_id` text NOT NULL,
	`vehicle_id` text NOT NULL,
	`at` text NOT NULL,
	`kind` text NOT NULL,
	`system` text,
	`spn` integer,
	`fmi` integer,
	`description` text NOT NULL,
	`odometer_miles` real,
	`source` text NOT NULL,
	`external_id` text,
	`fingerprint` text NOT NULL,
	`created_at` text NOT NULL,
	FOREIGN KEY (`tenant_id`) REFERENCES `tenants`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`vehicle_id`) REFERENCES `vehicles`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `service_events_identity` ON `service_events` (`vehicle_id`,`fingerprint`);--> statement-breakpoint
CREATE INDEX `service_events_vehicle_at` ON `service_events` (`vehicle_id`,`at`);--> statement-breakpoint
CREATE INDEX `service_events_tenant_at` ON `service_events` (`tenant_id`,`at`);--> statement-breakpoint
CREATE TABLE `signal_days` (
	`vehicle_id` text NOT NULL,
	`name` text NOT NULL,
	`day` text NOT NULL,
	`tenant_id` text NOT NULL,
	`readings` integer NOT NULL,
	`mean` real NOT NULL,
	`min` real NOT NULL,
	`max` real NOT NULL,
	`last_value` real NOT NULL,
	`last_at` text NOT NULL,
	`minutes` text,
	`version` integer NOT NULL,
	PRIMARY KEY(`vehicle_id`, `name`, `day`),
	FOREIGN KEY (`vehicle_id`) REFERENCES `vehicles`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`tenant_id`) REFERENCES `tenants`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `signal_days_tenant_day` ON `signal_days` (`tenant_id`,`day`);--> statement-breakpoint
CREATE INDEX `signal_days_open` ON `signal_days` (`day`) WHERE minutes is not null;--> statement-breakpoint
CREATE TABLE `signal_states` (
	`vehicle_id` text PRIMARY KEY NOT NULL,
	`tenant_id` text NOT NULL,
	`signals` text NOT NULL,
	`computed_at` text,
	`changes` integer DEFAULT 0 NOT NULL,
	FOREIGN KEY (`vehicle_id`) REFERENCES `vehicles`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`tenant_id`) REFERENCES `tenants`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `signal_states_tenant` ON `signal_states` (`tenant_id`,`computed_at`);--> statement-breakpoint
CREATE INDEX `signal_states_stale` ON `signal_states` ((changes > 0),`computed_at`);--> statement-breakpoint
DROP INDEX `predictions_vehicle_created`;--> statement-breakpoint
ALTER TABLE `predictions` ADD `chance7` real;--> statement-breakpoint
ALTER TABLE `predictions` ADD `chance30` real;--> statement-breakpoint
ALTER TABLE `predictions` ADD `chance90` real;--> statement-breakpoint
ALTER TABLE `predictions` ADD `feature_vector` text;--> statement-breakpoint
ALTER TABLE `predictions` ADD `feature_list` text;--> statement-breakpoint
ALTER TABLE `predictions` ADD `features_key` text;--> statement-breakpoint
ALTER TABLE `predictions` ADD `failed_at` text;--> statement-breakpoint
ALTER TABLE `predictions` ADD `censored_at` text;--> statement-breakpoint
ALTER TABLE `predictions` ADD `failed7` integer;--> statement-breakpoint
ALTER TABLE `predictions` ADD `failed30` integer;--> statement-breakpoint
ALTER TABLE `predictions` ADD `failed90` integer;--> statement-breakpoint
ALTER TABLE `predictions` ADD `settled_at` text;--> statement-breakpoint
CREATE INDEX `predictions_unsettled` ON `predictions` (`tenant_id`,`created_at`,`model_version`,`chance90`,`failed90`,`settled_at`) WHERE settled_at is null;--> statement-breakpoint
CREATE INDEX `predictions_unsettled_7` ON `predictions` (`tenant_id`,`created_at`,`model_version`,`chance7`,`failed7`,`settled_at`) WHERE settled_at is null and failed7 is null;--> statement-breakpoint
CREATE INDEX `predictions_unsettled_30` ON `predictions` (`tenant_id`,`created_at`,`model_version`,`chance30`,`failed30`,`settled_at`) WHERE settled_at is null and failed30 is null;--> statement-breakpoint
CREATE INDEX `predictions_warnings` ON `predictions` (`vehicle_id`,`created_at`,`model_version`) WHERE risk_level in ('high', 'critical');--> statement-breakpoint
CREATE INDEX `predictions_vehicle_created` ON `predictions` (`vehicle_id`,`created_at`,`risk_level`,`model_version`);