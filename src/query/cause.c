// Why something is unknown where it is the ego of a recording that lacks it.
#include "machine.h"

static const struct {
    const char *name, *text;
} causes[RML_UNKNOWN_CAUSES] = {
    [RML_UNKNOWN_EGO_SIZE] = {"ego_has_no_known_size", "ego has no known size"},
    [RML_UNKNOWN_EGO_FRAME] = {"ego_is_in_another_frame",
                               "ego is in another frame than the objects"},
};

const char *rml_unknown_cause_name(rml_unknown_cause cause)
{
    return causes[cause].name;
}

const char *rml_unknown_cause_text(rml_unknown_cause cause)
{
    return causes[cause].text;
}

uint8_t rml_step_causes(const rml_machine *m, const rml_step *s)
{
    bool alone = s->op == RML_OP_CHANGES || (s->measure != NULL && s->measure->actors == 1);
    const rml_track *a = &m->w->traffic->tracks[m->track[s->a]];
    const rml_track *b = alone ? a : &m->w->traffic->tracks[m->track[s->b]];
    // A step without a measure is one about lanes.
    unsigned reads = s->measure != NULL ? s->measure->reads : RML_READS_LANES;
    bool point = reads != 0 && (a->is_point || b->is_point);
    bool on_map = (reads & RML_READS_LANES) != 0 && (a->is_apart || b->is_apart);
    bool apart = on_map || a->is_apart != b->is_apart;
    return (uint8_t)(point << RML_UNKNOWN_EGO_SIZE | apart << RML_UNKNOWN_EGO_FRAME);
}
