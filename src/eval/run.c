// Runs an evaluation from a version and forecasts to a document in the catalog.
#include <string.h>

#include "evaluation.h"

// Before any number is known: whoever looks at gate or sealed is counted.
static rml_status count_look(rml_judging *e, rml_catalog *catalog, rml_error *err)
{
    if (e->options->split != RML_GATE && e->options->split != RML_SEALED) {
        return RML_OK;
    }
    rml_str key =
        rml_arena_printf(&e->arena, "looks:%.*s:%s", RML_FMT(rml_dataset_hash(e->dataset)),
                         rml_split_name(e->options->split));
    if (key.data == NULL) {
        return rml_fail_memory(err, 128);
    }
    return rml_catalog_count(catalog, key, RML_STR("eval"), &e->looks, err);
}

static rml_status add_models(rml_judging *e, const rml_eval_model *models, size_t count,
                             rml_error *err)
{
    for (size_t i = 0; i < count; i++) {
        rml_entrant *entrant = rml_array_push(&e->entrants, err);
        if (entrant == NULL) {
            return RML_ERR_MEMORY;
        }
        *entrant = (rml_entrant){.name = models[i].name,
                                 .hash = models[i].hash,
                                 .kind = RML_EVIDENCE_MODEL,
                                 .has_probability = models[i].has_probability,
                                 .seeds = models[i].seeds,
                                 .futures = models[i].futures,
                                 .ones = models[i].ones};
        if (models[i].seeds == 0) {
            return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, NULL,
                            "expected forecasts of at least one seed from %.*s, found none",
                            RML_FMT(models[i].name));
        }
    }
    return RML_OK;
}

static rml_status count_families(rml_judging *e, rml_error *err)
{
    uint32_t *families = RML_NEW_ARRAY(&e->arena, uint32_t, e->n + 1);
    uint32_t *dense = RML_NEW_ARRAY(&e->arena, uint32_t, e->n + 1);
    if (families == NULL || dense == NULL) {
        return rml_fail_memory(err, e->n * sizeof *families);
    }
    for (size_t i = 0; i < e->n; i++) {
        families[i] = e->scenes[i].family;
    }
    return rml_units_number(families, e->n, &e->arena, dense, &e->families, err);
}

static rml_status keep(rml_judging *e, rml_catalog *catalog, const rml_eval_model *models,
                       size_t count, rml_str json, const rml_hash *hash, rml_error *err)
{
    char name[RML_HASH_TEXT];
    rml_hash_text(hash, name);
    rml_object_row row = {.kind = RML_STR("evaluation"),
                          .hash = rml_str_of(name),
                          .name = count > 0 ? models[0].name : RML_STR("baselines"),
                          .body = json,
                          .created_ns = rml_clock_unix_ns()};
    RML_TRY(rml_catalog_begin(catalog, err));
    rml_status st = rml_catalog_put(catalog, &row, err);
    rml_edge edge = {row.hash, rml_dataset_hash(e->dataset), RML_STR("evaluated-on")};
    st = st ? st : rml_catalog_link(catalog, &edge, err);
    for (size_t i = 0; st == RML_OK && i < count; i++) {
        edge = (rml_edge){row.hash, models[i].hash, RML_STR("model")};
        st = models[i].hash.len == 64 ? rml_catalog_link(catalog, &edge, err) : RML_OK;
    }
    st = st ? st : rml_catalog_commit(catalog, err);
    if (st) {
        rml_catalog_abort(catalog);
    }
    return st;
}

static rml_status find_metrics(rml_judging *e, rml_error *err)
{
    for (const char *const *name = e->task->metrics; *name != NULL; name++) {
        const rml_metric *metric = rml_metric_find(*name);
        if (metric == NULL || e->metric_count == RML_METRICS_MAX) {
            return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, NULL,
                            "expected at most %d metrics of the table for task %s, found %s",
                            RML_METRICS_MAX, e->task->name, *name);
        }
        e->metrics[e->metric_count++] = metric;
    }
    return RML_OK;
}

static rml_status evaluate(rml_judging *e, rml_catalog *catalog, const rml_eval_model *models,
                           size_t count, rml_buffer *out, rml_hash *hash, rml_error *err)
{
    if (e->n == 0) {
        return rml_fail(err, RML_ERR_MISSING, (rml_place){0},
                        "a split needs a family of recordings of its own: roadmill ingest brings "
                        "more; --split takes another",
                        "expected scenes in split %s, found none",
                        rml_split_name(e->options->split));
    }
    RML_TRY(find_metrics(e, err));
    RML_TRY(count_look(e, catalog, err));
    RML_TRY(count_families(e, err));
    RML_TRY(add_models(e, models, count, err));
    RML_TRY(rml_entrants_add_baselines(e, err));
    RML_TRY(rml_slices_find(e, err));
    for (size_t i = 0; i < e->entrants.count; i++) {
        RML_TRY(rml_entrant_judge(e, RML_AT(&e->entrants, rml_entrant, i), err));
    }
    return rml_judging_write(e, out, hash, err);
}

rml_status rml_eval_run(rml_lake *lake, rml_catalog *catalog, const rml_dataset *d,
                        const rml_eval_model *models, size_t count, const rml_eval_options *options,
                        rml_pool *pool, const rml_progress *progress, rml_arena *arena,
                        rml_str *json, rml_hash *hash, rml_error *err)
{
    rml_judging *e = RML_NEW(arena, rml_judging);
    if (e == NULL) {
        return rml_fail_memory(err, sizeof *e);
    }
    *e = (rml_judging){.lake = lake,
                       .dataset = d,
                       .task = options->task ? options->task : rml_task_find(RML_STR("")),
                       .options = options,
                       .miss_m = options->miss_m > 0 ? options->miss_m : 2.0,
                       .pool = pool,
                       .progress = progress,
                       .scenes = rml_dataset_scenes(d, options->split),
                       .n = rml_dataset_count(d, options->split),
                       .entrants = RML_ARRAY(rml_entrant)};
    rml_buffer out = {0};
    rml_status st = evaluate(e, catalog, models, count, &out, hash, err);
    if (st == RML_OK) {
        *json = rml_arena_str(arena, rml_buffer_text(&out));
        st = json->data ? keep(e, catalog, models, count, *json, hash, err)
                        : rml_fail_memory(err, out.len);
    }
    for (size_t i = 0; i < e->entrants.count; i++) {
        rml_forecast_free(&RML_AT(&e->entrants, rml_entrant, i)->own);
    }
    rml_array_reset(&e->entrants);
    rml_buffer_reset(&out);
    rml_arena_reset(&e->arena);
    return st;
}
