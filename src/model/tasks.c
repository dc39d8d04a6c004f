// The table of tasks.
#include "tasks.h"

#include <stdio.h>

static const rml_task *const tasks[] = {
    &rml_task_predictor,
    &rml_task_stands,
};
enum { TASKS = sizeof tasks / sizeof *tasks };

size_t rml_tasks(const rml_task *const **out)
{
    *out = tasks;
    return TASKS;
}

const rml_task *rml_task_find(rml_str name)
{
    for (size_t i = 0; i < TASKS; i++) {
        if (name.len == 0 || rml_str_equal(name, rml_str_of(tasks[i]->name))) {
            return tasks[i];
        }
    }
    return NULL;
}

const rml_task *rml_task_of_cutter(rml_str cutter)
{
    for (size_t i = 0; i < TASKS; i++) {
        if (rml_str_equal(cutter, rml_str_of(tasks[i]->cutter))) {
            return tasks[i];
        }
    }
    return NULL;
}

rml_status rml_task_need(rml_str name, rml_place at, const rml_task **out, rml_error *err)
{
    *out = rml_task_find(name);
    if (*out != NULL) {
        return RML_OK;
    }
    char names[256] = "";
    size_t len = 0;
    for (size_t i = 0; i < TASKS && len < sizeof names; i++) {
        len += (size_t)snprintf(names + len, sizeof names - len, "%s%s", i > 0 ? ", " : "",
                                tasks[i]->name);
    }
    return rml_fail(err, RML_ERR_ARGUMENT, at, NULL, "expected a task (%s), found \"%.*s\"", names,
                    RML_FMT(name));
}
