// The page of a turn: what its first screen shows, each part by a function of its own.
#ifndef ROADMILL_TURN_REPORT_H
#define ROADMILL_TURN_REPORT_H

#include "plan.h"

#include "roadmill/draw.h"

// The worst situation of the dev split for the model, from above: truth, constant velocity, the
// best blind baseline, the model.
rml_status rml_report_worst(rml_turn *t, const char *best_blind, rml_html *h, rml_error *err)
    RML_CHECKED;

#endif
