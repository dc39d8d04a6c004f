// The evaluation document, read. What is not there, or of another kind, is not known.
#include "roadmill/evidence.h"

#include <math.h>

#include "format.h"
#include "roadmill/base/json.h"

static rml_str text_of(const rml_json *from, const char *key)
{
    return rml_json_get_str(from, key, (rml_str){0});
}

static double number_of(const rml_json *from, const char *key)
{
    return rml_json_get_f64(from, key, NAN);
}

static int64_t count_of(const rml_json *from, const char *key)
{
    return rml_json_get_i64(from, key, -1);
}

// The first item of a list and how many there are.
static const rml_json *list_of(const rml_json *from, const char *key, size_t *count)
{
    const rml_json *list = rml_json_get(from, key);
    bool is_list = list != NULL && list->kind == RML_JSON_ARRAY;
    *count = is_list ? list->count : 0;
    return is_list ? list->child : NULL;
}

static rml_status read_values(const rml_json *from, rml_arena *arena, rml_evidence_slice *out,
                              rml_error *err)
{
    const rml_json *item = list_of(from, "metrics", &out->value_count);
    rml_evidence_value *v = RML_NEW_ARRAY(arena, rml_evidence_value, out->value_count + 1);
    if (v == NULL) {
        return rml_fail_memory(err, out->value_count * sizeof *v);
    }
    out->values = v;
    for (; item != NULL; item = item->next) {
        *v++ = (rml_evidence_value){text_of(item, "name"), number_of(item, "value"),
                                    number_of(item, "low"), number_of(item, "high"),
                                    text_of(item, "method")};
    }
    return RML_OK;
}

static rml_status read_differences(const rml_json *from, rml_arena *arena, rml_evidence_slice *out,
                                   rml_error *err)
{
    const rml_json *item = list_of(from, "against", &out->difference_count);
    rml_evidence_difference *d =
        RML_NEW_ARRAY(arena, rml_evidence_difference, out->difference_count + 1);
    if (d == NULL) {
        return rml_fail_memory(err, out->difference_count * sizeof *d);
    }
    out->differences = d;
    for (; item != NULL; item = item->next) {
        *d++ = (rml_evidence_difference){.baseline = text_of(item, "baseline"),
                                         .metric = text_of(item, "metric"),
                                         .relative = number_of(item, "relative"),
                                         .low = number_of(item, "low"),
                                         .high = number_of(item, "high"),
                                         .units = count_of(item, "units"),
                                         .method = text_of(item, "method"),
                                         .p = number_of(item, "p"),
                                         .smallest_change = number_of(item, "smallest_change")};
    }
    return RML_OK;
}

static rml_status read_slices(const rml_json *from, rml_arena *arena, rml_evidence_model *out,
                              rml_error *err)
{
    const rml_json *item = list_of(from, "slices", &out->slice_count);
    rml_evidence_slice *s = RML_NEW_ARRAY(arena, rml_evidence_slice, out->slice_count + 1);
    if (s == NULL) {
        return rml_fail_memory(err, out->slice_count * sizeof *s);
    }
    out->slices = s;
    for (; item != NULL; item = item->next, s++) {
        s->name = text_of(item, "name");
        s->query = text_of(item, "query");
        s->windows = count_of(item, "windows");
        s->units = count_of(item, "units");
        RML_TRY(read_values(item, arena, s, err));
        RML_TRY(read_differences(item, arena, s, err));
    }
    return RML_OK;
}

static rml_status read_calibration(const rml_json *from, rml_arena *arena, rml_evidence_model *out,
                                   rml_error *err)
{
    if (from == NULL || from->kind != RML_JSON_OBJECT) {
        return RML_OK;
    }
    size_t bins;
    const rml_json *bin = list_of(from, "bins", &bins);
    rml_evidence_calibration *c = RML_NEW(arena, rml_evidence_calibration);
    double *confidence = RML_NEW_ARRAY(arena, double, bins + 1);
    double *accuracy = RML_NEW_ARRAY(arena, double, bins + 1);
    if (c == NULL || confidence == NULL || accuracy == NULL) {
        return rml_fail_memory(err, sizeof *c + 2 * bins * sizeof *confidence);
    }
    *c = (rml_evidence_calibration){number_of(from, "error"), confidence, accuracy, bins};
    for (; bin != NULL; bin = bin->next) {
        *confidence++ = number_of(bin, "confidence");
        *accuracy++ = number_of(bin, "accuracy");
    }
    out->calibration = c;
    return RML_OK;
}

static rml_evidence_kind kind_of(rml_str name)
{
    for (rml_evidence_kind k = RML_EVIDENCE_MODEL; k <= RML_EVIDENCE_READS_FUTURE; k++) {
        if (rml_str_equal(name, rml_str_of(rml_evidence_kind_name(k)))) {
            return k;
        }
    }
    return RML_EVIDENCE_OTHER;
}

static rml_status read_models(const rml_json *from, rml_arena *arena, rml_evaluation *out,
                              rml_error *err)
{
    const rml_json *item = list_of(from, "models", &out->model_count);
    rml_evidence_model *m = RML_NEW_ARRAY(arena, rml_evidence_model, out->model_count + 1);
    if (m == NULL) {
        return rml_fail_memory(err, out->model_count * sizeof *m);
    }
    out->models = m;
    for (; item != NULL; item = item->next, m++) {
        m->name = text_of(item, "name");
        m->hash = text_of(item, "hash");
        m->kind = kind_of(text_of(item, "kind"));
        m->has_probability = rml_json_get_bool(item, "has_probability", false);
        m->seeds = count_of(item, "seeds");
        RML_TRY(read_calibration(rml_json_get(item, "calibration"), arena, m, err));
        RML_TRY(read_slices(item, arena, m, err));
    }
    return RML_OK;
}

static rml_status read_metrics(const rml_json *from, rml_arena *arena, rml_evaluation *out,
                               rml_error *err)
{
    const rml_json *item = list_of(from, "metrics", &out->metric_count);
    rml_evidence_metric *m = RML_NEW_ARRAY(arena, rml_evidence_metric, out->metric_count + 1);
    if (m == NULL) {
        return rml_fail_memory(err, out->metric_count * sizeof *m);
    }
    out->metrics = m;
    for (; item != NULL; item = item->next) {
        *m++ = (rml_evidence_metric){text_of(item, "name"), text_of(item, "unit"),
                                     count_of(item, "k")};
    }
    return RML_OK;
}

static rml_status check_format(const rml_json *tree, rml_str file, rml_error *err)
{
    if (tree->kind != RML_JSON_OBJECT) {
        return rml_fail(err, RML_ERR_DATA, rml_place_byte(file, tree->at), NULL,
                        "expected an evaluation as a JSON object, found another value");
    }
    rml_str format = rml_json_get_str(tree, "format", RML_STR(RML_EVIDENCE_FORMAT));
    return rml_str_equal(format, RML_STR(RML_EVIDENCE_FORMAT))
               ? RML_OK
               : rml_fail(err, RML_ERR_UNSUPPORTED, rml_place_file(file), NULL,
                          "expected format " RML_EVIDENCE_FORMAT ", found %.*s", RML_FMT(format));
}

rml_status rml_evidence_read(rml_str text, rml_str file, rml_arena *arena,
                             const rml_evaluation **out, rml_error *err)
{
    const rml_json *tree;
    RML_TRY(rml_json_parse(arena, text, file, &tree, err));
    RML_TRY(check_format(tree, file, err));
    rml_evaluation *e = RML_NEW(arena, rml_evaluation);
    if (e == NULL) {
        return rml_fail_memory(err, sizeof *e);
    }
    *e = (rml_evaluation){.version = text_of(tree, "version"),
                          .split = text_of(tree, "split"),
                          .looks = count_of(tree, "looks"),
                          .families = count_of(tree, "families"),
                          .windows = count_of(tree, "windows"),
                          .miss_m = number_of(tree, "miss_m"),
                          .level = number_of(tree, "level"),
                          .draws = count_of(tree, "draws"),
                          .best_blind = text_of(tree, "best_blind"),
                          .task = text_of(tree, "task"),
                          .compared = text_of(tree, "compared")};
    RML_TRY(read_metrics(tree, arena, e, err));
    RML_TRY(read_models(tree, arena, e, err));
    *out = e;
    return RML_OK;
}
