CREATE TABLE `display_codes` (
	`device_code_hash` text PRIMARY KEY NOT NULL,
	`user_code` text NOT NULL,
	`status` text NOT NULL,
	`display_id` text,
	`interval_seconds` integer NOT NULL,
	`last_asked_at` text,
	`created_at` text NOT NULL,
	`expires_at` text NOT NULL,
	FOREIGN KEY (`display_id`) REFERENCES `displays`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `display_codes_pending` ON `display_codes` (`user_code`) WHERE status = 'pending';--> statement-breakpoint
CREATE INDEX `display_codes_expires` ON `display_codes` (`expires_at`);--> statement-breakpoint
CREATE TABLE `displays` (
	`id` text PRIMARY KEY NOT NULL,
	`tenant_id` text NOT NULL,
	`name` text NOT NULL,
	`location_name` text NOT NULL,
	`layout` text NOT NULL,
	`token_hash` text,
	`is_asleep` integer DEFAULT false NOT NULL,
	`last_heartbeat_at` text,
	`build` text,
	`uptime_seconds` real,
	`viewport` text,
	`last_error` text,
	`created_by` text,
	`created_at` text NOT NULL,
	`updated_at` text NOT NULL,
	`deleted_at` text,
	FOREIGN KEY (`tenant_id`) REFERENCES `tenants`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`created_by`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `displays_tenant` ON `displays` (`tenant_id`,`deleted_at`,`name`);--> statement-breakpoint
CREATE UNIQUE INDEX `displays_token` ON `displays` (`token_hash`) WHERE token_hash is not null;--> statement-breakpoint
CREATE TABLE `geofence_events` (
	`id` text PRIMARY KEY NOT NULL,
	`tenant_id` text NOT NULL,
	`geofence_id` text NOT NULL,
	`vehicle_id` text NOT NULL,
	`kind` text NOT NULL,
	`at` text NOT NULL,
	`lat` real NOT NULL,
	`lon` real NOT NULL,
	`speed_mph` real,
	FOREIGN KEY (`tenant_id`) REFERENCES `tenants`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`geofence_id`) REFERENCES `geofences`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`vehicle_id`) REFERENCES `vehicles`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `geofence_events_identity` ON `geofence_events` (`geofence_id`,`vehicle_id`,`kind`,`at`);--> statement-breakpoint
CREATE INDEX `geofence_events_fence_at` ON `geofence_events` (`geofence_id`,`at`,`id`);--> statement-breakpoint
CREATE INDEX `geofence_events_vehicle_at` ON `geofence_events` (`vehicle_id`,`at`);--> statement-breakpoint
CREATE INDEX `geofence_events_tenant_at` ON `geofence_events` (`tenant_id`,`at`);--> statement-breakpoint
CREATE TABLE `geofences` (
	`id` text PRIMARY KEY NOT NULL,
	`tenant_id` text NOT NULL,
	`name` text NOT NULL,
	`corner_count` integer NOT NULL,
	`shape` text NOT NULL,
	`alert_on_entry` integer NOT NULL,
	`alert_on_exit` integer NOT NULL,
	`dwell_minutes` integer,
	`speed_limit_mph` real,
	`group_id` text,
	`created_by` text,
	`created_at` text NOT NULL,
	`updated_at` text NOT NULL,
	`deleted_at` text,
	FOREIGN KEY (`tenant_id`) REFERENCES `tenants`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`created_by`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `geofences_tenant_name` ON `geofences` (`tenant_id`,`deleted_at`,`name`,`corner_count`);--> statement-breakpoint
CREATE TABLE `dm1_states` (
	`vehicle_id` text NOT NULL,
	`source_address` integer NOT NULL,
	`tenant_id` text NOT NULL,
	`at` text NOT NULL,
	PRIMARY KEY(`vehicle_id`, `source_address`),
	FOREIGN KEY (`vehicle_id`) REFERENCES `vehicles`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`tenant_id`) REFERENCES `tenants`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE TABLE `track_days` (
	`tenant_id` text NOT NULL,
	`day` text NOT NULL,
	`state` text NOT NULL,
	`files` text NOT NULL,
	`fixes` integer NOT NULL,
	`bytes` integer NOT NULL,
	`moving` text,
	`stored_at` text,
	`archived_at` text,
	`restored_until` text,
	`updated_at` text NOT NULL,
	PRIMARY KEY(`tenant_id`, `day`),
	FOREIGN KEY (`tenant_id`) REFERENCES `tenants`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `track_days_state` ON `track_days` (`state`,`day`);--> statement-breakpoint
CREATE INDEX `track_days_restored` ON `track_days` (`restored_until`) WHERE restored_until is not null;--> statement-breakpoint
CREATE TABLE `track_turns` (
	`tenant_id` text PRIMARY KEY NOT NULL,
	`settled_before` text NOT NULL,
	`asked_at` text NOT NULL,
	FOREIGN KEY (`tenant_id`) REFERENCES `tenants`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
ALTER TABLE `tenants` ADD `ingest_gates` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `tenants` ADD `geofence_version` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `tenants` ADD `geofence_version_told` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `tenants` ADD `fence_event_mark` integer DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE `faults` ADD `is_portal_active` integer DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE `faults` ADD `is_telemetry_active` integer DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE `faults` ADD `telemetry_at` text;--> statement-breakpoint
CREATE INDEX `api_key_secrets_created` ON `api_key_secrets` (`created_at`);--> statement-breakpoint
CREATE INDEX `api_keys_revoked` ON `api_keys` (`revoked_at`) WHERE revoked_at is not null;--> statement-breakpoint
-- Until now only the portal reported faults.
UPDATE `faults` SET `is_portal_active` = `is_active`;
