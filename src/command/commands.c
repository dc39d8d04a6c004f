// The list of all commands, in the order in which data walks through them: a new group is two
// lines.
#include <string.h>

#include "call.h"

extern const rml_command rml_home_commands[];
extern const rml_command rml_ingest_commands[];
extern const rml_command rml_log_info_commands[];
extern const rml_command rml_log_cat_commands[];
extern const rml_command rml_log_move_commands[];
extern const rml_command rml_recordings_commands[];
extern const rml_command rml_drives_report_commands[];
extern const rml_command rml_recipes_commands[];
extern const rml_command rml_synth_commands[];
extern const rml_command rml_lake_commands[];
extern const rml_command rml_lake_upkeep_commands[];
extern const rml_command rml_query_commands[];
extern const rml_command rml_scene_commands[];
extern const rml_command rml_find_commands[];
extern const rml_command rml_dataset_commands[];
extern const rml_command rml_train_commands[];
extern const rml_command rml_sweep_commands[];
extern const rml_command rml_quantize_commands[];
extern const rml_command rml_eval_commands[];
extern const rml_command rml_registry_commands[];
extern const rml_command rml_export_commands[];
extern const rml_command rml_graph_commands[];
extern const rml_command rml_turn_commands[];
extern const rml_command rml_audit_commands[];
extern const rml_command rml_names_commands[];
extern const rml_command rml_completion_commands[];
extern const rml_command rml_manual_commands[];

static const rml_command *const groups[] = {
    rml_home_commands,          rml_ingest_commands,      rml_log_info_commands,
    rml_log_cat_commands,       rml_log_move_commands,    rml_recordings_commands,
    rml_drives_report_commands, rml_recipes_commands,     rml_synth_commands,
    rml_lake_commands,          rml_lake_upkeep_commands, rml_query_commands,
    rml_scene_commands,         rml_find_commands,        rml_dataset_commands,
    rml_train_commands,         rml_sweep_commands,       rml_quantize_commands,
    rml_eval_commands,          rml_registry_commands,    rml_export_commands,
    rml_graph_commands,         rml_turn_commands,        rml_audit_commands,
    rml_names_commands,         rml_completion_commands,  rml_manual_commands,
};
enum { GROUPS = sizeof groups / sizeof *groups, COMMANDS_MOST = 256 };

const rml_option rml_command_common[] = {
    {"home", .type = RML_OPTION_PATH, .value = "DIR", .help = "the home to work in",
     .otherwise = "ROADMILL_HOME, or found upwards from here"},
    {"threads", .type = RML_OPTION_INT, .value = "N", .help = "threads to use",
     .otherwise = "ROADMILL_THREADS, or all processors", .low = 1, .high = 1024},
    {"json", .help = "print one JSON document (docs/json.md)"},
    {"quiet", .help = "no progress line"},
    {"no-pager", .help = "no pager for text that is taller than the terminal"},
    {"help", .help = "show this help; -h too"},
    {0},
};

const rml_command *rml_command_at(size_t index)
{
    for (size_t g = 0; g < GROUPS; g++) {
        for (const rml_command *c = groups[g]; c->name != NULL; c++) {
            if (index-- == 0) {
                return c;
            }
        }
    }
    return NULL;
}

const rml_command *rml_command_find(rml_str name)
{
    const rml_command *c;
    for (size_t i = 0; (c = rml_command_at(i)) != NULL; i++) {
        if (rml_str_equal(rml_str_of(c->name), name)) {
            return c;
        }
    }
    return NULL;
}

const rml_command *rml_command_nearest(rml_str words)
{
    const char *names[COMMANDS_MOST];
    size_t count = 0;
    for (; count < COMMANDS_MOST && rml_command_at(count) != NULL; count++) {
        names[count] = rml_command_at(count)->name;
    }
    const char *nearest = rml_nearest_name(words, names, count);
    return nearest != NULL ? rml_command_find(rml_str_of(nearest)) : NULL;
}

static const rml_option *find(const rml_option *list, rml_str name)
{
    for (; list != NULL && list->name != NULL; list++) {
        if (rml_str_equal(rml_str_of(list->name), name)) {
            return list;
        }
    }
    return NULL;
}

const rml_option *rml_command_option(const rml_command *command, rml_str name)
{
    const rml_option *option = find(command->options, name);
    option = option != NULL ? option : find(command->arguments, name);
    return option != NULL ? option : find(rml_command_common, name);
}

const char *rml_command_option_nearest(const rml_command *command, rml_str name)
{
    const char *names[COMMANDS_MOST];
    size_t count = 0;
    const rml_option *const lists[] = {command->options, rml_command_common};
    for (size_t l = 0; l < 2; l++) {
        for (const rml_option *o = lists[l]; o != NULL && o->name != NULL; o++) {
            if (count < COMMANDS_MOST) {
                names[count++] = o->name;
            }
        }
    }
    return rml_nearest_name(name, names, count);
}
