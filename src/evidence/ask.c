// Questions to an evaluation: parts of it by name.
#include "roadmill/evidence.h"

const char *rml_evidence_kind_name(rml_evidence_kind kind)
{
    static const char *const names[] = {
        [RML_EVIDENCE_OTHER] = "other",
        [RML_EVIDENCE_MODEL] = "model",
        [RML_EVIDENCE_BASELINE] = "baseline",
        [RML_EVIDENCE_BLIND] = "blind",
        [RML_EVIDENCE_READS_FUTURE] = "reads-future",
    };
    return names[kind];
}

rml_str rml_evidence_name(const rml_evaluation *e, rml_str name)
{
    bool best = rml_str_equal(name, RML_STR("best_blind"));
    return !best ? name : e != NULL ? e->best_blind : (rml_str){0};
}

const rml_evidence_model *rml_evidence_model_named(const rml_evaluation *e, rml_str name)
{
    for (size_t i = 0; e != NULL && i < e->model_count; i++) {
        if (rml_str_equal(e->models[i].name, name)) {
            return &e->models[i];
        }
    }
    return NULL;
}

const rml_evidence_slice *rml_evidence_slice_named(const rml_evidence_model *m, rml_str name)
{
    for (size_t i = 0; m != NULL && i < m->slice_count; i++) {
        if (rml_str_equal(m->slices[i].name, name)) {
            return &m->slices[i];
        }
    }
    return NULL;
}

const rml_evidence_value *rml_evidence_value_of(const rml_evidence_slice *s, rml_str metric)
{
    for (size_t i = 0; s != NULL && i < s->value_count; i++) {
        if (rml_str_equal(s->values[i].metric, metric)) {
            return &s->values[i];
        }
    }
    return NULL;
}

const rml_evidence_difference *rml_evidence_difference_to(const rml_evidence_slice *s,
                                                          rml_str baseline, rml_str metric)
{
    for (size_t i = 0; s != NULL && i < s->difference_count; i++) {
        const rml_evidence_difference *d = &s->differences[i];
        if (rml_str_equal(d->baseline, baseline) && rml_str_equal(d->metric, metric)) {
            return d;
        }
    }
    return NULL;
}
