// The page of a turn: what its first screen shows, each part by a function of its own.
#ifndef ROADMILL_REPORT_TURN_PAGE_H
#define ROADMILL_REPORT_TURN_PAGE_H

#include "roadmill/draw.h"
#include "roadmill/report.h"

// The worst situation from above, and what it shows in words.
rml_status rml_report_worst(const rml_worst_scene *worst, rml_arena *arena, rml_html *h,
                            rml_error *err) RML_CHECKED;

#endif
