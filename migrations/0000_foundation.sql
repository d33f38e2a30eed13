CREATE TABLE `alerts` (
	`id` text PRIMARY KEY NOT NULL,
	`tenant_id` text NOT NULL,
	`vehicle_id` text,
	`type` text NOT NULL,
	`severity` text NOT NULL,
	`status` text NOT NULL,
	`title` text NOT NULL,
	`message` text NOT NULL,
	`cause` text NOT NULL,
	`occurrence_count` integer NOT NULL,
	`opened_at` text NOT NULL,
	`last_seen_at` text NOT NULL,
	`acknowledged_at` text,
	`acknowledged_by` text,
	`acknowledge_comment` text,
	`resolved_at` text,
	`cause_ended_at` text,
	`resolved_by` text,
	`resolve_comment` text,
	`snoozed_until` text,
	`assignee_id` text,
	`due_at` text,
	`updated_at` text NOT NULL,
	FOREIGN KEY (`tenant_id`) REFERENCES `tenants`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`vehicle_id`) REFERENCES `vehicles`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`acknowledged_by`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`resolved_by`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`assignee_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `alerts_live_cause` ON `alerts` (`tenant_id`,`cause`) WHERE status in ('open', 'acknowledged', 'snoozed');--> statement-breakpoint
CREATE INDEX `alerts_tenant_status` ON `alerts` (`tenant_id`,`status`,`opened_at`);--> statement-breakpoint
CREATE INDEX `alerts_tenant_opened` ON `alerts` (`tenant_id`,`opened_at`);--> statement-breakpoint
CREATE INDEX `alerts_tenant_holding` ON `alerts` (`tenant_id`,`vehicle_id`) WHERE cause_ended_at is null;--> statement-breakpoint
CREATE INDEX `alerts_tenant_updated` ON `alerts` (`tenant_id`,`updated_at`);--> statement-breakpoint
CREATE INDEX `alerts_tenant_cause` ON `alerts` (`tenant_id`,`cause`,`opened_at`);--> statement-breakpoint
CREATE INDEX `alerts_vehicle` ON `alerts` (`vehicle_id`,`status`);--> statement-breakpoint
CREATE TABLE `idempotency_keys` (
	`owner_id` text NOT NULL,
	`key` text NOT NULL,
	`route` text NOT NULL,
	`body_hash` text NOT NULL,
	`status` integer,
	`response_body` text,
	`created_at` text NOT NULL,
	PRIMARY KEY(`owner_id`, `route`, `key`)
);
--> statement-breakpoint
CREATE INDEX `idempotency_keys_created` ON `idempotency_keys` (`created_at`);--> statement-breakpoint
CREATE TABLE `predictions` (
	`id` text PRIMARY KEY NOT NULL,
	`tenant_id` text NOT NULL,
	`vehicle_id` text NOT NULL,
	`created_at` text NOT NULL,
	`model_version` text NOT NULL,
	`risk_score` real NOT NULL,
	`risk_level` text NOT NULL,
	`score` text NOT NULL,
	FOREIGN KEY (`tenant_id`) REFERENCES `tenants`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`vehicle_id`) REFERENCES `vehicles`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `predictions_vehicle_created` ON `predictions` (`vehicle_id`,`created_at`);--> statement-breakpoint
CREATE INDEX `predictions_tenant_created` ON `predictions` (`tenant_id`,`created_at`);--> statement-breakpoint
CREATE TABLE `sync_credentials` (
	`id` text PRIMARY KEY NOT NULL,
	`tenant_id` text NOT NULL,
	`provider` text NOT NULL,
	`base_url` text,
	`username` text,
	`password_sealed` text,
	`totp_secret_sealed` text,
	`api_token_sealed` text,
	`session_sealed` text,
	`is_active` integer DEFAULT true NOT NULL,
	`consented_at` text NOT NULL,
	`created_at` text NOT NULL,
	`updated_at` text NOT NULL,
	FOREIGN KEY (`tenant_id`) REFERENCES `tenants`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `sync_credentials_tenant_provider` ON `sync_credentials` (`tenant_id`,`provider`);--> statement-breakpoint
CREATE TABLE `sync_logs` (
	`id` text PRIMARY KEY NOT NULL,
	`tenant_id` text NOT NULL,
	`provider` text NOT NULL,
	`status` text NOT NULL,
	`trigger` text NOT NULL,
	`started_at` text NOT NULL,
	`heartbeat_at` text NOT NULL,
	`finished_at` text,
	`counts` text NOT NULL,
	`error_code` text,
	`error_message` text,
	FOREIGN KEY (`tenant_id`) REFERENCES `tenants`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `sync_logs_live` ON `sync_logs` (`tenant_id`,`provider`) WHERE status in ('queued', 'running');--> statement-breakpoint
CREATE INDEX `sync_logs_tenant_started` ON `sync_logs` (`tenant_id`,`started_at`);--> statement-breakpoint
CREATE INDEX `sync_logs_status_heartbeat` ON `sync_logs` (`status`,`heartbeat_at`);--> statement-breakpoint
CREATE TABLE `dealer_links` (
	`id` text PRIMARY KEY NOT NULL,
	`dealer_tenant_id` text NOT NULL,
	`fleet_tenant_id` text NOT NULL,
	`status` text NOT NULL,
	`created_at` text NOT NULL,
	`accepted_at` text,
	`ended_at` text,
	FOREIGN KEY (`dealer_tenant_id`) REFERENCES `tenants`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`fleet_tenant_id`) REFERENCES `tenants`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `dealer_links_live` ON `dealer_links` (`dealer_tenant_id`,`fleet_tenant_id`) WHERE status <> 'ended';--> statement-breakpoint
CREATE INDEX `dealer_links_status` ON `dealer_links` (`status`,`dealer_tenant_id`);--> statement-breakpoint
CREATE INDEX `dealer_links_fleet` ON `dealer_links` (`fleet_tenant_id`,`status`);--> statement-breakpoint
CREATE TABLE `tenant_keys` (
	`tenant_id` text NOT NULL,
	`version` integer NOT NULL,
	`wrapped_key` text NOT NULL,
	`created_at` text NOT NULL,
	PRIMARY KEY(`tenant_id`, `version`),
	FOREIGN KEY (`tenant_id`) REFERENCES `tenants`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE TABLE `tenants` (
	`id` text PRIMARY KEY NOT NULL,
	`name` text NOT NULL,
	`kind` text NOT NULL,
	`settings` text NOT NULL,
	`is_active` integer DEFAULT true NOT NULL,
	`change_counter` integer DEFAULT 0 NOT NULL,
	`created_at` text NOT NULL,
	`updated_at` text NOT NULL
);
--> statement-breakpoint
CREATE TABLE `refresh_tokens` (
	`id` text PRIMARY KEY NOT NULL,
	`session_id` text NOT NULL,
	`token_hash` text NOT NULL,
	`issued_at` text NOT NULL,
	`expires_at` text NOT NULL,
	`used_at` text,
	FOREIGN KEY (`session_id`) REFERENCES `sessions`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `refresh_tokens_hash` ON `refresh_tokens` (`token_hash`);--> statement-breakpoint
CREATE INDEX `refresh_tokens_session` ON `refresh_tokens` (`session_id`);--> statement-breakpoint
CREATE INDEX `refresh_tokens_expires` ON `refresh_tokens` (`expires_at`);--> statement-breakpoint
CREATE TABLE `sessions` (
	`id` text PRIMARY KEY NOT NULL,
	`user_id` text NOT NULL,
	`created_at` text NOT NULL,
	`last_used_at` text NOT NULL,
	`expires_at` text NOT NULL,
	`ended_at` text,
	`end_reason` text,
	`ip` text,
	`user_agent` text,
	FOREIGN KEY (`user_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE INDEX `sessions_user` ON `sessions` (`user_id`) WHERE ended_at is null;--> statement-breakpoint
CREATE INDEX `sessions_expires` ON `sessions` (`expires_at`);--> statement-breakpoint
CREATE TABLE `users` (
	`id` text PRIMARY KEY NOT NULL,
	`tenant_id` text,
	`email` text NOT NULL,
	`name` text NOT NULL,
	`role` text NOT NULL,
	`password_hash` text,
	`failed_sign_ins` integer DEFAULT 0 NOT NULL,
	`locked_until` text,
	`is_deactivated` integer DEFAULT false NOT NULL,
	`created_at` text NOT NULL,
	`updated_at` text NOT NULL,
	FOREIGN KEY (`tenant_id`) REFERENCES `tenants`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `users_email` ON `users` (`email`);--> statement-breakpoint
CREATE INDEX `users_tenant` ON `users` (`tenant_id`);--> statement-breakpoint
CREATE TABLE `faults` (
	`id` text PRIMARY KEY NOT NULL,
	`tenant_id` text NOT NULL,
	`vehicle_id` text NOT NULL,
	`source_address` integer NOT NULL,
	`spn` integer NOT NULL,
	`fmi` integer NOT NULL,
	`description` text NOT NULL,
	`system` text NOT NULL,
	`severity` text NOT NULL,
	`is_active` integer NOT NULL,
	`first_seen_at` text NOT NULL,
	`last_seen_at` text NOT NULL,
	`cleared_at` text,
	`occurrence_count` integer NOT NULL,
	`reopen_count` integer DEFAULT 0 NOT NULL,
	`lamps` text,
	FOREIGN KEY (`tenant_id`) REFERENCES `tenants`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`vehicle_id`) REFERENCES `vehicles`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `faults_identity` ON `faults` (`vehicle_id`,`source_address`,`spn`,`fmi`);--> statement-breakpoint
CREATE INDEX `faults_tenant_active` ON `faults` (`tenant_id`,`is_active`);--> statement-breakpoint
CREATE INDEX `faults_vehicle_active` ON `faults` (`vehicle_id`,`is_active`,`last_seen_at`);--> statement-breakpoint
CREATE TABLE `vehicles` (
	`id` text PRIMARY KEY NOT NULL,
	`tenant_id` text NOT NULL,
	`vin` text NOT NULL,
	`unit_number` text NOT NULL,
	`year` integer,
	`make` text,
	`model` text,
	`engine_make` text,
	`engine_model` text,
	`odometer_miles` real,
	`engine_hours` real,
	`health_score` real,
	`risk_score` real,
	`risk_level` text,
	`recommended_action` text,
	`active_fault_count` integer DEFAULT 0 NOT NULL,
	`open_alert_count` integer DEFAULT 0 NOT NULL,
	`assigned_driver_id` text,
	`status` text DEFAULT 'offline' NOT NULL,
	`last_lat` real,
	`last_lon` real,
	`last_speed_mph` real,
	`last_heading` real,
	`last_fuel_percent` real,
	`last_ignition` integer,
	`last_reading_at` text,
	`first_seen_at` text NOT NULL,
	`last_sync_at` text,
	`faults_read_at` text,
	`is_score_dirty` integer DEFAULT false NOT NULL,
	`updated_at` text NOT NULL,
	FOREIGN KEY (`tenant_id`) REFERENCES `tenants`(`id`) ON UPDATE no action ON DELETE no action,
	FOREIGN KEY (`assigned_driver_id`) REFERENCES `users`(`id`) ON UPDATE no action ON DELETE no action
);
--> statement-breakpoint
CREATE UNIQUE INDEX `vehicles_tenant_vin` ON `vehicles` (`tenant_id`,`vin`);--> statement-breakpoint
CREATE INDEX `vehicles_tenant_unit` ON `vehicles` (`tenant_id`,`unit_number`);--> statement-breakpoint
CREATE INDEX `vehicles_tenant_risk` ON `vehicles` (`tenant_id`,`risk_score`);--> statement-breakpoint
CREATE INDEX `vehicles_tenant_health` ON `vehicles` (`tenant_id`,`health_score`);--> statement-breakpoint
CREATE INDEX `vehicles_tenant_status` ON `vehicles` (`tenant_id`,`status`);--> statement-breakpoint
CREATE INDEX `vehicles_tenant_place` ON `vehicles` (`tenant_id`,`last_lat`,`last_lon`);--> statement-breakpoint
CREATE INDEX `vehicles_tenant_updated` ON `vehicles` (`tenant_id`,`updated_at`);--> statement-breakpoint
CREATE INDEX `vehicles_score_dirty` ON `vehicles` (`tenant_id`) WHERE is_score_dirty = 1;--> statement-breakpoint
CREATE INDEX `vehicles_driver` ON `vehicles` (`assigned_driver_id`) WHERE assigned_driver_id is not null;