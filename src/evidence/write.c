// The evaluation document, written. docs/evaluation.md tells its members.
#include "roadmill/evidence.h"

#include "format.h"
#include "roadmill/base/json.h"
#include "roadmill/codec.h"

static void write_metrics(rml_json_writer *w, const rml_evaluation *e)
{
    rml_json_key(w, "metrics");
    rml_json_list(w);
    for (size_t i = 0; i < e->metric_count; i++) {
        rml_json_object(w);
        rml_json_kv_str(w, "name", e->metrics[i].name);
        rml_json_kv_str(w, "unit", e->metrics[i].unit);
        rml_json_kv_i64(w, "k", e->metrics[i].k);
        rml_json_object_end(w);
    }
    rml_json_list_end(w);
}

static void write_values(rml_json_writer *w, const rml_evidence_slice *s)
{
    rml_json_key(w, "metrics");
    rml_json_list(w);
    for (size_t i = 0; i < s->value_count; i++) {
        const rml_evidence_value *v = &s->values[i];
        rml_json_object(w);
        rml_json_kv_str(w, "name", v->metric);
        rml_json_kv_f64(w, "value", v->value);
        rml_json_kv_f64(w, "low", v->low);
        rml_json_kv_f64(w, "high", v->high);
        rml_json_kv_str(w, "method", v->method);
        rml_json_object_end(w);
    }
    rml_json_list_end(w);
}

static void write_differences(rml_json_writer *w, const rml_evidence_slice *s)
{
    rml_json_key(w, "against");
    rml_json_list(w);
    for (size_t i = 0; i < s->difference_count; i++) {
        const rml_evidence_difference *d = &s->differences[i];
        rml_json_object(w);
        rml_json_kv_str(w, "baseline", d->baseline);
        rml_json_kv_str(w, "metric", d->metric);
        rml_json_kv_f64(w, "relative", d->relative);
        rml_json_kv_f64(w, "low", d->low);
        rml_json_kv_f64(w, "high", d->high);
        rml_json_kv_i64(w, "units", d->units);
        rml_json_kv_str(w, "method", d->method);
        rml_json_kv_f64(w, "p", d->p);
        rml_json_kv_f64(w, "smallest_change", d->smallest_change);
        rml_json_object_end(w);
    }
    rml_json_list_end(w);
}

static void write_slices(rml_json_writer *w, const rml_evidence_model *m)
{
    rml_json_key(w, "slices");
    rml_json_list(w);
    for (size_t i = 0; i < m->slice_count; i++) {
        const rml_evidence_slice *s = &m->slices[i];
        rml_json_object(w);
        rml_json_kv_str(w, "name", s->name);
        rml_json_kv_str(w, "query", s->query);
        rml_json_kv_i64(w, "windows", s->windows);
        rml_json_kv_i64(w, "units", s->units);
        write_values(w, s);
        write_differences(w, s);
        rml_json_object_end(w);
    }
    rml_json_list_end(w);
}

static void write_calibration(rml_json_writer *w, const rml_evidence_calibration *c)
{
    rml_json_key(w, "calibration");
    rml_json_object(w);
    rml_json_kv_f64(w, "error", c->error);
    rml_json_key(w, "bins");
    rml_json_list(w);
    for (size_t b = 0; b < c->bins; b++) {
        rml_json_object(w);
        rml_json_kv_f64(w, "confidence", c->confidence[b]);
        rml_json_kv_f64(w, "accuracy", c->accuracy[b]);
        rml_json_object_end(w);
    }
    rml_json_list_end(w);
    rml_json_object_end(w);
}

static void write_models(rml_json_writer *w, const rml_evaluation *e)
{
    rml_json_key(w, "models");
    rml_json_list(w);
    for (size_t i = 0; i < e->model_count; i++) {
        const rml_evidence_model *m = &e->models[i];
        rml_json_object(w);
        rml_json_kv_str(w, "name", m->name);
        rml_json_kv_str(w, "hash", m->hash);
        rml_json_kv_str(w, "kind", rml_str_of(rml_evidence_kind_name(m->kind)));
        rml_json_kv_bool(w, "has_probability", m->has_probability);
        rml_json_kv_i64(w, "seeds", m->seeds);
        if (m->calibration != NULL) {
            write_calibration(w, m->calibration);
        }
        write_slices(w, m);
        rml_json_object_end(w);
    }
    rml_json_list_end(w);
}

rml_status rml_evidence_write(const rml_evaluation *e, rml_buffer *out, rml_hash *hash,
                              rml_error *err)
{
    rml_buffer text = {0};
    rml_json_writer w;
    rml_json_writer_init(&w, &text, err);
    rml_json_object(&w);
    rml_json_kv_str(&w, "format", RML_STR(RML_EVIDENCE_FORMAT));
    rml_json_kv_str(&w, "version", e->version);
    rml_json_kv_str(&w, "split", e->split);
    rml_json_kv_i64(&w, "looks", e->looks);
    rml_json_kv_i64(&w, "families", e->families);
    rml_json_kv_i64(&w, "windows", e->windows);
    rml_json_kv_f64(&w, "miss_m", e->miss_m);
    rml_json_kv_f64(&w, "level", e->level);
    rml_json_kv_i64(&w, "draws", e->draws);
    write_metrics(&w, e);
    write_models(&w, e);
    rml_json_kv_str(&w, "best_blind", e->best_blind);
    if (e->task.len > 0) {
        rml_json_kv_str(&w, "task", e->task);
        rml_json_kv_str(&w, "compared", e->compared);
    }
    rml_json_object_end(&w);
    rml_status st = rml_json_seal(&w, out, hash, err);
    rml_buffer_reset(&text);
    return st;
}
