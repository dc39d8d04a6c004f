// The Argoverse 2 motion forecasting reader, as a row of the table of importers.
#ifndef ROADMILL_SCENARIO_ARGOVERSE2_H
#define ROADMILL_SCENARIO_ARGOVERSE2_H

#include "roadmill/scenario.h"

bool rml_argoverse2_recognise(rml_str path, rml_bytes head);
rml_status rml_argoverse2_read(rml_str path, rml_arena *arena, rml_traffic *out, rml_error *err);

#endif
