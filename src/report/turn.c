// The page of a turn. Its first screen answers, in this order: may the model ship and why (not),
// where it fails worst, how it stands against honest baselines, what the mined data was worth, what
// went in and what was left out, and what to do next.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "turn_page.h"

static const char style[] =
    "<style>"
    ".turn-verdict{border-radius:8px;padding:14px 18px;margin:0 0 16px;color:#fff;font-size:17px}"
    ".turn-verdict b{font-size:24px;margin-right:12px;text-transform:uppercase}"
    ".turn-pass{background:#00694e}.turn-fail{background:#a33b00}.turn-undecided{background:#"
    "5b5b66}"
    ".turn-two,.turn-three{display:grid;gap:16px;margin-bottom:16px}"
    ".turn-two{grid-template-columns:repeat(auto-fit,minmax(480px,1fr))}"
    ".turn-three{grid-template-columns:repeat(auto-fit,minmax(300px,1fr))}"
    ".turn-two>section,.turn-three>section{min-width:0;margin:0;font-size:14px}"
    ".turn-two svg,.turn-three svg{max-width:100%;height:auto}"
    ".turn-two td,.turn-three td,.turn-two th,.turn-three th{font-size:11.5px;padding:5px 3px}"
    ".turn-two p,.turn-three p{font-size:13px;margin:8px 0}"
    ".turn-two h2,.turn-three h2{font-size:16px;margin:0 0 8px}"
    "</style>";

typedef struct turn_page {
    const rml_turn_results *results;
    rml_arena *arena;
} turn_page;

static rml_str text_of(const rml_json *result, const char *key)
{
    return rml_json_get_str(result, key, (rml_str){0});
}

static void section(rml_html *h, const char *title)
{
    rml_html_raw(h, RML_STR("<section>"));
    rml_html_heading(h, 2, rml_str_of(title));
}

static void section_end(rml_html *h)
{
    rml_html_raw(h, RML_STR("</section>"));
}

static void say(const turn_page *t, rml_html *h, const char *format, ...) RML_PRINTF(3, 4);

static void say(const turn_page *t, rml_html *h, const char *format, ...)
{
    char text[1024];
    va_list list;
    va_start(list, format);
    vsnprintf(text, sizeof text, format, list);
    va_end(list);
    (void)t;
    rml_html_paragraph(h, rml_str_of(text));
}

// The conditions that did not pass beside the one that decided, whose reason is told, by name.
static void write_others(const turn_page *t, rml_html *h)
{
    rml_str told = text_of(t->results->gate, "deciding");
    const rml_json *all = rml_json_get(t->results->gate, "conditions");
    for (const rml_json *c = all == NULL ? NULL : all->child; c != NULL; c = c->next) {
        rml_str verdict = rml_json_get_str(c, "verdict", (rml_str){0});
        rml_str name = rml_json_get_str(c, "name", (rml_str){0});
        if (!rml_str_equal(verdict, RML_STR("pass")) && !rml_str_equal(told, name)) {
            rml_html_escape(
                h, rml_arena_printf(t->arena, "; %.*s: %.*s", RML_FMT(verdict), RML_FMT(name)));
        }
    }
}

static void write_verdict(const turn_page *t, rml_html *h)
{
    rml_str verdict = text_of(t->results->gate, "verdict");
    rml_html_raw(h, rml_arena_printf(t->arena, "<div class=\"turn-verdict turn-%.*s\"><b>%.*s</b>",
                                     RML_FMT(verdict), RML_FMT(verdict)));
    rml_html_escape(h, text_of(t->results->gate, "reason"));
    write_others(t, h);
    rml_html_raw(h, RML_STR("</div>"));
}

// A metric of a model on a slice: "1.23 [1.10, 1.40]", or a dash.
static rml_str metric_cell(const turn_page *t, const rml_evidence_model *model, rml_str slice,
                           rml_str metric)
{
    const rml_evidence_value *v =
        rml_evidence_value_of(rml_evidence_slice_named(model, slice), metric);
    if (v == NULL || isnan(v->value)) {
        return RML_STR("–");
    }
    return isnan(v->low)
               ? rml_arena_printf(t->arena, "%.2f (undecided)", v->value)
               : rml_arena_printf(t->arena, "%.2f [%.2f, %.2f]", v->value, v->low, v->high);
}

// The rows that answer the first question: the model, the strongest plain one, the best blind one.
static bool is_of_first_screen(const rml_evidence_model *model, rml_str best_blind)
{
    return model->kind == RML_EVIDENCE_MODEL || model->kind == RML_EVIDENCE_READS_FUTURE ||
           rml_str_equal(model->name, best_blind) || rml_str_equal(model->name, RML_STR("cv_1"));
}

static void write_model_rows(const turn_page *t, rml_html *h, const rml_evaluation *evaluation,
                             bool all_of_them)
{
    static const char *const heads[] = {"", "minFDE K=1 (m)", "minFDE K=6 (m)", "moving, K=6 (m)",
                                        "missed K=6"};
    size_t columns = all_of_them ? 5 : 4;
    rml_str all = RML_STR("all"), moving = RML_STR("moving");
    rml_html_table_begin(h, heads, columns);
    for (size_t i = 0; i < evaluation->model_count; i++) {
        const rml_evidence_model *m = &evaluation->models[i];
        if (!all_of_them && !is_of_first_screen(m, evaluation->best_blind)) {
            continue;
        }
        const char *note = rml_str_equal(m->name, evaluation->best_blind) ? " (best blind)"
                           : rml_str_equal(m->name, RML_STR("cv_1"))      ? " (constant velocity)"
                           : m->kind == RML_EVIDENCE_READS_FUTURE         ? " (reads the future)"
                                                                          : "";
        rml_str cells[] = {rml_arena_printf(t->arena, "%.*s%s", RML_FMT(m->name), note),
                           metric_cell(t, m, all, RML_STR("min_fde_1")),
                           metric_cell(t, m, all, RML_STR("min_fde_6")),
                           metric_cell(t, m, moving, RML_STR("min_fde_6")),
                           metric_cell(t, m, all, RML_STR("miss_rate_6"))};
        rml_html_row(h, cells, columns, m->kind == RML_EVIDENCE_MODEL ? "best" : NULL);
    }
    rml_html_table_end(h);
}

// Of a task other than the first the document says by what it is compared.
static void write_compared_rows(const turn_page *t, rml_html *h, const rml_evaluation *evaluation)
{
    rml_str compared = rml_arena_str(t->arena, evaluation->compared);
    const char *const heads[] = {"", compared.data ? compared.data : "", "moving"};
    rml_html_table_begin(h, heads, 3);
    for (size_t i = 0; i < evaluation->model_count; i++) {
        const rml_evidence_model *m = &evaluation->models[i];
        rml_str cells[] = {m->name, metric_cell(t, m, RML_STR("all"), compared),
                           metric_cell(t, m, RML_STR("moving"), compared)};
        rml_html_row(h, cells, 3, m->kind == RML_EVIDENCE_MODEL ? "best" : NULL);
    }
    rml_html_table_end(h);
    say(t, h,
        "%lld windows of %lld families of recordings that no training saw; 95 %% intervals over "
        "families.",
        (long long)evaluation->windows, (long long)evaluation->families);
}

static void write_models(const turn_page *t, rml_html *h, const rml_evaluation *evaluation)
{
    section(h, "Model against honest baselines");
    if (evaluation->task.len > 0) {
        write_compared_rows(t, h, evaluation);
        section_end(h);
        return;
    }
    write_model_rows(t, h, evaluation, false);
    say(t, h,
        "%lld windows of %lld families of recordings that no training saw; 95 %% intervals over "
        "families. minFDE: how far the nearest of K futures ends from the truth after 3 s. Blind: "
        "fixed futures that look at nothing but the agent's own past.",
        (long long)evaluation->windows, (long long)evaluation->families);
    section_end(h);
}

static void write_all_models(const turn_page *t, rml_html *h, const rml_evaluation *evaluation)
{
    if (evaluation->task.len > 0) {
        return; // all stand in the first table
    }
    section(h, "Every baseline");
    write_model_rows(t, h, evaluation, true);
    say(t, h, "Missed: no future ends within 2 m of the truth.");
    section_end(h);
}

static const char *gain_words(double low, double high)
{
    return isnan(low) ? "undecided" : high < 0 ? "a gain" : low > 0 ? "a loss" : "no gain shown";
}

static const char *change_text(const turn_page *t, double mid, double low, double high)
{
    rml_str text = isnan(low)
                       ? rml_arena_printf(t->arena, "%+.1f %% (too few families)", mid)
                       : rml_arena_printf(t->arena, "%+.1f %% [%+.1f, %+.1f]", mid, low, high);
    return text.data != NULL ? text.data : "";
}

static rml_status write_gain(const turn_page *t, rml_html *h, rml_error *err)
{
    const rml_json *r = t->results->mine;
    const rml_json *gain = rml_json_get(r, "gain"), *control = rml_json_get(r, "control");
    double low = 100 * rml_json_get_f64(gain, "low", NAN);
    double high = 100 * rml_json_get_f64(gain, "high", NAN);
    const double x[] = {0, 1};
    const double mid[] = {100 * rml_json_get_f64(gain, "relative", NAN),
                          100 * rml_json_get_f64(control, "relative", NAN)};
    const double lows[] = {low, 100 * rml_json_get_f64(control, "low", NAN)};
    const double highs[] = {high, 100 * rml_json_get_f64(control, "high", NAN)};
    const rml_series series[] = {
        {"mined", &x[0], &mid[0], &lows[0], &highs[0], 1, NULL},
        {"control: shuffled", &x[1], &mid[1], &lows[1], &highs[1], 1, NULL}};
    const rml_chart chart = {.title = "minFDE against random batches",
                             .y_label = "change, %",
                             .width = 420,
                             .height = 220,
                             .bars = true};
    section(h, "Mined against random data");
    rml_buffer svg = {0};
    rml_status st = rml_chart_draw(&chart, series, 2, &svg, err);
    if (!st) {
        rml_html_raw(h, rml_buffer_text(&svg));
    }
    rml_buffer_reset(&svg);
    say(t, h,
        "%lld scenes chosen by the model from dev against %lld random ones, %lld seeds: %s of "
        "minFDE "
        "(K=6) on unseen families: %s. The same choice on shuffled scores: %s; %lld of its %lld "
        "seeds claimed a gain.",
        (long long)rml_json_get_i64(r, "budget", 0), (long long)rml_json_get_i64(r, "budget", 0),
        (long long)rml_json_get_i64(gain, "seeds", 0), change_text(t, mid[0], low, high),
        gain_words(low, high), change_text(t, mid[1], lows[1], highs[1]),
        (long long)rml_json_get_i64(control, "claims", 0),
        (long long)rml_json_get_i64(control, "seeds", 0));
    section_end(h);
    return st;
}

// One row of a conservation table from SQL: a label and three counts.
static rml_status write_sum(const turn_page *t, rml_html *h, const char *what, int64_t in,
                            int64_t kept, int64_t rejected, rml_error *err)
{
    if (in != kept + rejected) {
        return rml_fail(err, RML_ERR_CONFLICT, (rml_place){0}, NULL,
                        "expected %s in = kept + rejected, found %lld = %lld + %lld", what,
                        (long long)in, (long long)kept, (long long)rejected);
    }
    rml_str cells[] = {rml_str_of(what), rml_arena_printf(t->arena, "%lld", (long long)in),
                       rml_arena_printf(t->arena, "%lld", (long long)kept),
                       rml_arena_printf(t->arena, "%lld", (long long)rejected)};
    rml_html_row(h, cells, 4, NULL);
    return RML_OK;
}

static int64_t ingest_count(const turn_page *t, const char *key)
{
    return rml_json_get_i64(t->results->ingest, key, 0);
}

static rml_status write_conservation(const turn_page *t, rml_html *h, rml_error *err)
{
    static const char *const heads[] = {"", "in", "kept", "left out"};
    const rml_json *d = t->results->dataset;
    section(h, "What went in, what was kept");
    rml_html_table_begin(h, heads, 4);
    RML_TRY(write_sum(t, h, "bytes of recordings", ingest_count(t, "bytes"),
                      ingest_count(t, "bytes_kept"), ingest_count(t, "bytes_lost"), err));
    RML_TRY(write_sum(t, h, "messages", ingest_count(t, "messages"),
                      ingest_count(t, "message_rows"), ingest_count(t, "message_rejects"), err));
    RML_TRY(write_sum(t, h, "states of agents", ingest_count(t, "states"),
                      ingest_count(t, "state_rows"), ingest_count(t, "state_rejects"), err));
    RML_TRY(write_sum(t, h, "instants of the ego vehicle", ingest_count(t, "ego_inputs"),
                      ingest_count(t, "ego_rows"), ingest_count(t, "ego_rejects"), err));
    RML_TRY(write_sum(t, h, "windows", rml_json_get_i64(d, "windows", 0),
                      rml_json_get_i64(d, "scenes", 0), rml_json_get_i64(d, "left_out", 0), err));
    rml_html_table_end(h);
    say(t, h,
        "%lld recordings, %lld families. Each reject is a row of the table rejects, track_rejects "
        "or ego_rejects.",
        (long long)ingest_count(t, "recordings"), (long long)rml_json_get_i64(d, "families", 0));
    rml_str origin = text_of(t->results->ingest, "origin");
    rml_str licences = text_of(t->results->ingest, "licences");
    say(t, h, "Data: %.*s. Licences: %.*s.", RML_FMT(origin), RML_FMT(licences));
    section_end(h);
    return RML_OK;
}

static void write_conditions(const turn_page *t, rml_html *h)
{
    static const char *const heads[] = {"condition", "verdict", "why"};
    section(h, "The gate, condition by condition");
    rml_html_table_begin(h, heads, 3);
    const rml_json *all = rml_json_get(t->results->gate, "conditions");
    for (const rml_json *c = all == NULL ? NULL : all->child; c != NULL; c = c->next) {
        rml_str verdict = rml_json_get_str(c, "verdict", (rml_str){0});
        rml_str cells[] = {rml_json_get_str(c, "name", (rml_str){0}), verdict,
                           rml_json_get_str(c, "reason", (rml_str){0})};
        rml_str class_name = rml_arena_str(t->arena, verdict);
        rml_html_row(h, cells, 3, class_name.data);
    }
    rml_html_table_end(h);
    section_end(h);
}

static void write_next(const turn_page *t, rml_html *h)
{
    rml_str model = text_of(t->results->deploy, "model");
    rml_str child = text_of(t->results->child, "version");
    section(h, "Next");
    rml_html_code(
        h, rml_arena_printf(t->arena,
                            "roadmill lineage --home %.*s \\\n  %.12s\n"
                            "roadmill eval --home %.*s \\\n  --dataset %.12s --split dev \\\n"
                            "  --predictions YOURS.parquet",
                            RML_FMT(t->results->home), model.data, RML_FMT(t->results->home),
                            child.data));
    say(t, h,
        "The first goes from the model to the bytes of recordings; the second judges a model of "
        "yours like this one. ONNX and C99 of the model stand in %.*s/%.*s.",
        RML_FMT(t->results->home), RML_FMT(text_of(t->results->deploy, "folder")));
    section_end(h);
}

static rml_status write_page(const turn_page *t, rml_html *h, const rml_evaluation *evaluation,
                             rml_error *err)
{
    rml_html_raw(h, rml_str_of(style));
    rml_html_heading(
        h, 1, rml_arena_printf(t->arena, "The wheel turned: %.*s", RML_FMT(t->results->name)));
    write_verdict(t, h);
    rml_html_raw(h, RML_STR("<div class=\"turn-two\">"));
    section(h, "The worst situation");
    RML_TRY(rml_report_worst(t->results->worst, t->arena, h, err));
    section_end(h);
    write_models(t, h, evaluation);
    rml_html_raw(h, RML_STR("</div><div class=\"turn-three\">"));
    RML_TRY(write_gain(t, h, err));
    RML_TRY(write_conservation(t, h, err));
    write_next(t, h);
    rml_html_raw(h, RML_STR("</div>"));
    write_conditions(t, h);
    write_all_models(t, h, evaluation);
    return RML_OK;
}

rml_status rml_turn_page(const rml_turn_results *results, rml_arena *arena, rml_buffer *out,
                         rml_error *err)
{
    const turn_page t = {results, arena};
    rml_html h;
    rml_html_begin(&h, out, "Roadmill: one turn of the wheel", err);
    RML_TRY(write_page(&t, &h, results->evaluation, err));
    return rml_html_end(&h);
}
