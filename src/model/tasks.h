// The rows of the table of tasks.
#ifndef ROADMILL_MODEL_TASKS_H
#define ROADMILL_MODEL_TASKS_H

#include "roadmill/model/task.h"

extern const rml_task rml_task_predictor, rml_task_stands;

#endif
