// train: weights and inputs of linear layers become whole numbers; the result is a run.
#include "roadmill/train/quantize.h"

#include <math.h>
#include <string.h>

#include "calibrate.h"
#include "config.h"
#include "model.h"
#include "roadmill/codec.h"
#include "roadmill/store.h"

enum { BATCH = 16, WEIGHT_MOST = 127, SHRINKS = 40 };

typedef struct quantizing {
    rml_str home, from; // the run's hash
    rml_catalog *catalog;
    const rml_dataset *dataset;
    rml_quantize_options options;
    rml_pool *pool;
    rml_engine before, after;
    rml_calibration calibration;
    rml_arena arena;
    rml_train_config config;
    rml_str folder;
    rml_lock lock;
    rml_quantize_result *result;
} quantizing;

// ---- Which layers ------------------------------------------------------------------------------

static bool is_outer(rml_str layer)
{
    return !rml_str_starts(layer, RML_STR("blocks."));
}

static bool is_kept(const quantizing *q, const char *layer)
{
    if (!q->options.all && is_outer(rml_str_of(layer))) {
        return true;
    }
    for (size_t i = 0; i < q->options.keep_count; i++) {
        if (rml_str_starts(rml_str_of(layer), rml_str_of(q->options.keep[i]))) {
            return true;
        }
    }
    return false;
}

static rml_status check_keep(const quantizing *q, rml_error *err)
{
    for (size_t i = 0; i < q->options.keep_count; i++) {
        size_t found = 0;
        for (size_t k = 0; k < q->calibration.layers.count; k++) {
            const rml_observed *o = RML_AT(&q->calibration.layers, rml_observed, k);
            rml_str layer = rml_str_of(o->account.name);
            found += rml_str_starts(layer, rml_str_of(q->options.keep[i]));
        }
        if (found == 0) {
            return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0},
                            "names are those of the weights, such as blocks.0.query or embed",
                            "expected linear layers that begin with %s, found none",
                            q->options.keep[i]);
        }
    }
    return RML_OK;
}

// Layers that read the same numbers share a scale, so that they share the bytes.
static rml_status choose(quantizing *q, rml_error *err)
{
    rml_array *layers = &q->calibration.layers;
    rml_quantiser *list = RML_NEW_ARRAY(&q->arena, rml_quantiser, layers->count + 1);
    if (list == NULL) {
        return rml_fail_memory(err, layers->count * sizeof *list);
    }
    size_t count = 0;
    for (size_t i = 0; i < layers->count; i++) {
        rml_observed *o = RML_AT(layers, rml_observed, i);
        rml_quantized_layer *a = &o->account;
        a->int8 = !is_kept(q, a->name);
        if (a->int8) {
            rml_calibration_choose(o);
            memcpy(list[count].layer, a->name, sizeof a->name);
            list[count].scale = a->scale;
            list[count++].zero = a->zero;
        }
    }
    q->config.model.quantisers = list;
    q->config.model.quantiser_count = count;
    return RML_OK;
}

// ---- Weights -----------------------------------------------------------------------------------

static float whole_weight(float w, double scale)
{
    double whole = nearbyint((double)w / scale);
    return (float)(whole > WEIGHT_MOST ? WEIGHT_MOST : whole < -WEIGHT_MOST ? -WEIGHT_MOST : whole);
}

static double row_error(const float *row, uint32_t depth, double scale)
{
    double sum = 0;
    for (uint32_t k = 0; k < depth; k++) {
        double apart = (double)row[k] - scale * (double)whole_weight(row[k], scale);
        sum += apart * apart;
    }
    return sum;
}

// The scale of a row with the least squared error; a row of zeros has 1.
static double row_scale(const float *row, uint32_t depth)
{
    double most = 0, best = INFINITY, scale = 1;
    for (uint32_t k = 0; k < depth; k++) {
        most = fmax(most, fabs((double)row[k]));
    }
    for (int s = 0; s < SHRINKS && most > 0; s++) {
        double tried = most * (1 - 0.5 * s / SHRINKS) / WEIGHT_MOST;
        double error = row_error(row, depth, tried);
        if (error < best) {
            best = error;
            scale = tried;
        }
    }
    return scale;
}

// A layer's numbers in the plan that is to have whole ones.
typedef struct layer_numbers {
    rml_tensor weight, scale, bias;   // bias -1: it has none
    float *weights, *scales, *biases; // [columns, depth], [columns], [columns] or NULL
} layer_numbers;

static rml_status take_numbers(const rml_engine *from, rml_tensor t, rml_arena *arena, float **out,
                               rml_error *err)
{
    const rml_plan *plan = from->plan;
    size_t size = rml_plan_elements(plan, t);
    *out = RML_NEW_ARRAY(arena, float, size);
    return *out != NULL ? rml_plan_get(plan, rml_plan_whole(plan, t), *out, err)
                        : rml_fail_memory(err, size * sizeof **out);
}

static rml_tensor after_tensor(const quantizing *q, const char *layer, const char *end,
                               rml_arena *arena)
{
    rml_str name = rml_arena_printf(arena, "%s.%s", layer, end);
    return name.data ? rml_graph_find(q->after.graph, name.data) : -1;
}

// One layer's row of weights, its scale, and its bias less the mean of the error.
static void quantize_row(const quantizing *q, rml_observed *o, uint32_t j, const layer_numbers *to,
                         double sums[2])
{
    float *row = to->weights + j * o->depth, *biases = to->biases;
    double scale = row_scale(row, o->depth), drift = 0;
    to->scales[j] = (float)(scale * o->account.scale);
    for (uint32_t k = 0; k < o->depth; k++) {
        float whole = whole_weight(row[k], scale);
        double apart = scale * (double)whole - (double)row[k];
        drift += apart * o->mean[k];
        sums[0] += apart * apart;
        sums[1] += (double)row[k] * (double)row[k];
        row[k] = whole;
    }
    if (biases != NULL && !q->options.no_correct) {
        biases[j] = (float)((double)biases[j] - drift);
        o->account.corrected = true;
    }
}

static rml_status quantize_layer(quantizing *q, rml_observed *o, rml_arena *arena, rml_error *err)
{
    const char *name = o->account.name;
    layer_numbers to = {.weight = after_tensor(q, name, "weight", arena),
                        .scale = after_tensor(q, name, "scale", arena),
                        .bias = after_tensor(q, name, "bias", arena)};
    double sums[2] = {0, 0};
    if (to.weight < 0 || to.scale < 0) {
        return rml_fail_memory(err, sizeof o->account.name);
    }
    RML_TRY(take_numbers(&q->after, to.weight, arena, &to.weights, err));
    RML_TRY(take_numbers(&q->after, to.scale, arena, &to.scales, err));
    if (to.bias >= 0) {
        RML_TRY(take_numbers(&q->after, to.bias, arena, &to.biases, err));
    }
    for (uint32_t j = 0; j < o->columns; j++) {
        quantize_row(q, o, j, &to, sums);
    }
    o->account.weight_error = sums[1] > 0 ? sqrt(sums[0] / sums[1]) : 0;
    rml_plan *plan = q->after.plan;
    RML_TRY(rml_plan_put(plan, rml_plan_whole(plan, to.weight), to.weights, err));
    RML_TRY(rml_plan_put(plan, rml_plan_whole(plan, to.scale), to.scales, err));
    return to.bias >= 0 ? rml_plan_put(plan, rml_plan_whole(plan, to.bias), to.biases, err)
                        : RML_OK;
}

static rml_status quantize_layers(quantizing *q, rml_error *err)
{
    rml_arena arena = {0};
    rml_status st = rml_engine_copy(&q->after, &q->before, err); // what stays float32 as well
    for (size_t i = 0; st == RML_OK && i < q->calibration.layers.count; i++) {
        rml_observed *o = RML_AT(&q->calibration.layers, rml_observed, i);
        if (o->account.int8) {
            st = quantize_layer(q, o, &arena, err);
        }
        rml_arena_reset(&arena);
    }
    return st;
}

// ---- The account -------------------------------------------------------------------------------

static const rml_quantized_layer *layer_named(const quantizing *q, rml_str name)
{
    for (size_t i = 0; i < q->calibration.layers.count; i++) {
        const rml_observed *o = RML_AT(&q->calibration.layers, rml_observed, i);
        if (rml_str_equal(name, rml_str_of(o->account.name))) {
            return &o->account;
        }
    }
    return NULL;
}

static const char *why_float(const quantizing *q, rml_str name, rml_str end,
                             const rml_quantized_layer *layer)
{
    if (layer == NULL) {
        return "no linear layer's";
    }
    if (rml_str_equal(end, RML_STR("bias"))) {
        return "a bias, added to the sums in float32";
    }
    if (rml_str_equal(end, RML_STR("scale"))) {
        return "brings the sums of bytes back";
    }
    return !q->options.all && is_outer(name) ? "a layer before or behind the blocks"
                                             : "kept on request";
}

static rml_status account_tensor(quantizing *q, rml_tensor parameter, rml_error *err)
{
    rml_str name = rml_str_of(rml_graph_name(q->after.graph, parameter));
    rml_quantized_tensor *t = rml_array_push(&q->result->tensors, err);
    if (t == NULL) {
        return RML_ERR_MEMORY;
    }
    rml_str own = rml_arena_str(&q->result->arena, name);
    if (own.data == NULL) {
        return rml_fail_memory(err, name.len);
    }
    size_t dot = name.len;
    while (dot > 0 && name.data[dot - 1] != '.') {
        dot--;
    }
    rml_str end = {name.data + dot, name.len - dot};
    const rml_quantized_layer *layer = layer_named(q, (rml_str){name.data, dot ? dot - 1 : 0});
    bool int8 = layer != NULL && layer->int8;
    bool weight = layer != NULL && rml_str_equal(end, RML_STR("weight"));
    *t = (rml_quantized_tensor){.name = own.data,
                                .type = int8 && weight ? "int8" : "float32",
                                .why = "",
                                .elements = rml_plan_elements(q->after.plan, parameter)};
    if (!int8 || !weight) {
        t->why = why_float(q, name, end, layer);
    }
    return RML_OK;
}

static rml_status account(quantizing *q, rml_error *err)
{
    const rml_tensor *parameters;
    size_t count = rml_graph_parameters(q->after.graph, &parameters);
    for (size_t i = 0; i < count; i++) {
        RML_TRY(account_tensor(q, parameters[i], err));
    }
    for (size_t i = 0; i < q->calibration.layers.count; i++) {
        rml_quantized_layer *out = rml_array_push(&q->result->layers, err);
        if (out == NULL) {
            return RML_ERR_MEMORY;
        }
        *out = RML_AT(&q->calibration.layers, rml_observed, i)->account;
    }
    return RML_OK;
}

// ---- The run -----------------------------------------------------------------------------------

static rml_status open_before(quantizing *q, rml_error *err)
{
    rml_str folder =
        rml_arena_printf(&q->arena, "%.*s/runs/%.*s/model", RML_FMT(q->home), RML_FMT(q->from));
    RML_TRY(folder.data ? RML_OK : rml_fail_memory(err, q->home.len));
    RML_TRY(rml_model_open(folder, BATCH, &q->arena, &q->before, err));
    q->config = q->before.config;
    if (q->config.model.quantiser_count > 0) {
        return rml_fail(err, RML_ERR_ARGUMENT, rml_place_file(folder),
                        "quantize the run it came from",
                        "expected a run in float32, found one that is quantized");
    }
    return RML_OK;
}

static rml_status run_name(quantizing *q, rml_error *err)
{
    rml_buffer text = {0};
    rml_json_writer w;
    rml_hash hash;
    rml_json_writer_init(&w, &text, err);
    rml_json_object(&w);
    rml_json_kv_bool(&w, "all", q->options.all);
    rml_json_kv_str(&w, "calibrated_on", rml_dataset_hash(q->dataset));
    rml_json_kv_bool(&w, "correct", !q->options.no_correct);
    rml_json_kv_bool(&w, "equalise", !q->options.no_equalise);
    rml_json_key(&w, "keep");
    rml_json_list(&w);
    for (size_t i = 0; i < q->options.keep_count; i++) {
        rml_json_str(&w, rml_str_of(q->options.keep[i]));
    }
    rml_json_list_end(&w);
    rml_json_kv_str(&w, "program", RML_STR(RML_VERSION));
    rml_json_kv_str(&w, "quantized_from", q->from);
    rml_json_kv_i64(&w, "samples", q->options.samples);
    rml_json_object_end(&w);
    rml_status st = rml_json_finish(&w);
    st = st ? st : rml_json_text_hash(rml_buffer_text(&text), &hash, err);
    if (st == RML_OK) {
        rml_hash_text(&hash, q->result->run);
        q->folder = rml_arena_printf(&q->arena, "%.*s/runs/%s", RML_FMT(q->home), q->result->run);
        st = q->folder.data ? RML_OK : rml_fail_memory(err, 1);
    }
    rml_buffer_reset(&text);
    return st;
}

// One at a time makes the run.
static rml_status take_folder(quantizing *q, rml_error *err)
{
    rml_str lock = rml_arena_printf(&q->arena, "%s/lock", q->folder.data);
    RML_TRY(lock.data ? RML_OK : rml_fail_memory(err, 1));
    RML_TRY(rml_store_folder_make(q->folder, err));
    return rml_store_lock(&q->lock, lock, true, err);
}

// A run has a curve; this one was not trained, so it has no points.
static rml_status write_files(quantizing *q, rml_error *err)
{
    rml_str curve = rml_path_join(&q->arena, q->folder, RML_STR("curve.csv"));
    RML_TRY(curve.data ? RML_OK : rml_fail_memory(err, q->folder.len));
    RML_TRY(rml_store_put(curve, rml_bytes_of(RML_CURVE_HEAD, sizeof RML_CURVE_HEAD - 1), err));
    return rml_model_save(q->folder, &q->after, q->result->weights, err);
}

static rml_status catalog_put(quantizing *q, const rml_json *source, rml_error *err)
{
    rml_buffer body = {0};
    rml_json_writer w;
    rml_json_writer_init(&w, &body, err);
    rml_json_object(&w);
    rml_json_key(&w, "config");
    rml_json_object(&w);
    rml_train_config_write(&q->config, true, &w);
    rml_json_object_end(&w);
    rml_json_kv_str(&w, "dataset", rml_json_get_str(source, "dataset", RML_STR("")));
    rml_json_kv_f64(&w, "loss_first", rml_json_get_f64(source, "loss_first", NAN));
    rml_json_kv_f64(&w, "loss_last", rml_json_get_f64(source, "loss_last", NAN));
    rml_json_kv_f64(&w, "loss_validation", q->result->loss_validation);
    rml_json_kv_str(&w, "quantized_from", q->from);
    rml_json_kv_i64(&w, "steps", rml_json_get_i64(source, "steps", 0));
    rml_json_kv_str(&w, "weights", rml_str_of(q->result->weights));
    rml_json_object_end(&w);
    rml_status st = rml_json_finish(&w);
    rml_object_row row = {
        .kind = RML_STR("run"), .hash = rml_str_of(q->result->run), .body = rml_buffer_text(&body)};
    rml_edge edges[] = {{row.hash, q->from, RML_STR("quantized-from")},
                        {row.hash,
                         rml_json_get_str(source, "dataset", rml_dataset_hash(q->dataset)),
                         RML_STR("trained-on")}};
    st = st ? st : rml_catalog_put(q->catalog, &row, err);
    for (size_t i = 0; st == RML_OK && i < sizeof edges / sizeof *edges; i++) {
        st = rml_catalog_link(q->catalog, &edges[i], err);
    }
    rml_buffer_reset(&body);
    return st;
}

static rml_status quantize(quantizing *q, rml_error *err)
{
    rml_object_row row;
    const rml_json *source;
    RML_TRY(rml_catalog_get(q->catalog, "run", q->from, &q->arena, &row, err));
    RML_TRY(rml_json_parse(&q->arena, row.body, RML_STR("catalog"), &source, err));
    if (rml_dataset_count(q->dataset, RML_TRAIN) == 0) {
        return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, NULL,
                        "expected a version with a train split to calibrate on, found none");
    }
    RML_TRY(open_before(q, err));
    RML_TRY(run_name(q, err));
    RML_TRY(rml_engine_validate(&q->before, q->dataset, q->pool, &q->result->loss_validation_before,
                                err));
    rml_calibration *c = &q->calibration;
    RML_TRY(rml_calibration_make(c, &q->before, q->dataset, q->options.samples, q->pool, err));
    RML_TRY(check_keep(q, err));
    if (!q->options.no_equalise) {
        RML_TRY(rml_calibration_ranges(c, err));
        RML_TRY(rml_calibration_equalise(c, err));
    }
    RML_TRY(rml_calibration_ranges(c, err));
    RML_TRY(rml_calibration_bins(c, err));
    RML_TRY(choose(q, err));
    RML_TRY(rml_engine_make(&q->after, &q->config, BATCH, NULL, NULL, NULL, err));
    RML_TRY(quantize_layers(q, err));
    RML_TRY(rml_engine_validate(&q->after, q->dataset, q->pool, &q->result->loss_validation, err));
    RML_TRY(account(q, err));
    RML_TRY(take_folder(q, err));
    RML_TRY(write_files(q, err));
    return catalog_put(q, source, err);
}

rml_status rml_train_quantize(rml_str home, rml_catalog *catalog, rml_str run,
                              const rml_dataset *dataset, const rml_quantize_options *options,
                              rml_pool *pool, rml_quantize_result *out, rml_error *err)
{
    *out = (rml_quantize_result){.layers = RML_ARRAY(rml_quantized_layer),
                                 .tensors = RML_ARRAY(rml_quantized_tensor)};
    quantizing q = {.home = home,
                    .from = run,
                    .catalog = catalog,
                    .dataset = dataset,
                    .options = *options,
                    .pool = pool,
                    .result = out};
    q.options.samples = q.options.samples ? q.options.samples : 512;
    rml_status st = quantize(&q, err);
    rml_lock_drop(&q.lock);
    rml_calibration_free(&q.calibration);
    rml_engine_free(&q.before);
    rml_engine_free(&q.after);
    rml_arena_reset(&q.arena);
    if (st != RML_OK) {
        rml_quantize_result_free(out);
    }
    return st;
}

void rml_quantize_result_free(rml_quantize_result *r)
{
    rml_array_reset(&r->layers);
    rml_array_reset(&r->tensors);
    rml_arena_reset(&r->arena);
}
