// The worst situation of a model, drawn from above beside what simpler means foresaw.
#include "turn_page.h"

rml_status rml_report_worst(const rml_worst_scene *worst, rml_arena *arena, rml_html *h,
                            rml_error *err)
{
    rml_cutter *cutter = NULL;
    rml_buffer svg = {0};
    RML_TRY(rml_cutter_make(worst->traffic, worst->spec, &cutter, err));
    rml_status st = rml_scene_plot(cutter, worst->window, worst->futures, worst->future_count, 660,
                                   "The worst situation, from above", &svg, err);
    rml_cutter_free(cutter);
    if (!st) {
        rml_html_raw(h, rml_buffer_text(&svg));
        rml_html_paragraph(
            h, rml_arena_printf(arena, "Scene %.12s: %s", worst->scene_id, worst->said));
    }
    rml_buffer_reset(&svg);
    return st;
}
