// A plan as a picture: a row for each op, its time as a bar.
#ifndef ROADMILL_CLI_GRAPH_PLOT_H
#define ROADMILL_CLI_GRAPH_PLOT_H

#include "roadmill/graph.h"

// The share of the time that the arithmetic or the bytes alone would take.
double rml_roofline_share(const rml_plan_row *row, const rml_roofline *roof);
// "64x128", cut at 80 characters.
void rml_size_text(const rml_shape *shape, char text[80]);
// SVG.
RML_CHECKED rml_status rml_graph_plot(const char *title, const rml_plan_row *rows, size_t count,
                                      const rml_roofline *roof, rml_buffer *out, rml_error *err);

#endif
