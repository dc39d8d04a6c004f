// The list of all commands, in the order in which data walks through them. A new group is two
// lines.
#include "command.h"

extern const rml_command_group rml_home_commands;
extern const rml_command_group rml_ingest_commands;
extern const rml_command_group rml_log_info_commands;
extern const rml_command_group rml_log_cat_commands;
extern const rml_command_group rml_log_move_commands;
extern const rml_command_group rml_recordings_commands;
extern const rml_command_group rml_drives_report_commands;
extern const rml_command_group rml_recipes_commands;
extern const rml_command_group rml_synth_commands;
extern const rml_command_group rml_lake_commands;
extern const rml_command_group rml_lake_upkeep_commands;
extern const rml_command_group rml_scene_commands;
extern const rml_command_group rml_find_commands;
extern const rml_command_group rml_dataset_commands;
extern const rml_command_group rml_train_commands;
extern const rml_command_group rml_sweep_commands;
extern const rml_command_group rml_quantize_commands;
extern const rml_command_group rml_eval_commands;
extern const rml_command_group rml_registry_commands;
extern const rml_command_group rml_export_commands;
extern const rml_command_group rml_graph_commands;
extern const rml_command_group rml_turn_commands;
extern const rml_command_group rml_audit_commands;
extern const rml_command_group rml_completion_commands;
extern const rml_command_group rml_manual_commands;

static const rml_command_group *const groups[] = {
    &rml_home_commands,          &rml_ingest_commands,      &rml_log_info_commands,
    &rml_log_cat_commands,       &rml_log_move_commands,    &rml_recordings_commands,
    &rml_drives_report_commands, &rml_recipes_commands,     &rml_synth_commands,
    &rml_lake_commands,          &rml_lake_upkeep_commands, &rml_scene_commands,
    &rml_find_commands,          &rml_dataset_commands,     &rml_train_commands,
    &rml_sweep_commands,         &rml_quantize_commands,    &rml_eval_commands,
    &rml_registry_commands,      &rml_export_commands,      &rml_graph_commands,
    &rml_turn_commands,          &rml_audit_commands,       &rml_completion_commands,
    &rml_manual_commands,
};

const rml_command_group *const *const rml_command_groups = groups;
const size_t rml_command_group_count = sizeof groups / sizeof *groups;
