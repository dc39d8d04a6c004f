// The command find: a query over all recordings of the lake.
#include "call.h"
#include "roadmill/query.h"
#include "roadmill/store.h"

typedef struct found {
    rml_call *call;
    const rml_query *query;
    const char *plot;
    bool plotted;
    int64_t limit, shown;
    uint32_t actors;
} found;

static void write_hash(rml_json_writer *w, const rml_query *q)
{
    rml_hash hash;
    char name[RML_HASH_TEXT];
    rml_query_hash(q, &hash);
    rml_hash_text(&hash, name);
    rml_json_kv_str(w, "query_hash", rml_str_of(name));
}

// What would be read, and the plan.
static rml_status explain(rml_call *call, const rml_query *q, rml_error *err)
{
    rml_home *home;
    rml_query_price price;
    rml_buffer text = {0};
    rml_json_writer *w = &call->writer;
    RML_TRY(rml_call_home(call, false, &home, err));
    RML_TRY(rml_query_price_of(home->lake, q, &price, err));
    rml_status st = rml_query_explain(q, &text, err);
    rml_json_object(w);
    write_hash(w, q);
    rml_json_kv_i64(w, "recordings", (int64_t)price.recordings);
    rml_json_kv_i64(w, "tracks", (int64_t)price.tracks);
    rml_json_kv_i64(w, "states", (int64_t)price.states);
    rml_json_kv_i64(w, "egos_without_size", (int64_t)price.points);
    rml_json_kv_f64(w, "steps", price.steps);
    rml_json_kv_str(w, "plan", rml_buffer_text(&text));
    rml_json_object_end(w);
    rml_buffer_reset(&text);
    return st;
}

static void write_match(rml_json_writer *w, const rml_traffic *traffic, const rml_match *m)
{
    rml_json_object(w);
    rml_json_kv_str(w, "recording_id", traffic->recording_id);
    rml_json_kv_str(w, "place_id", traffic->place_id);
    rml_json_kv_ns(w, "start_ns", m->start_ns);
    rml_json_kv_ns(w, "end_ns", m->end_ns);
    rml_json_key(w, "actors");
    rml_json_list(w);
    for (uint32_t a = 0; a < m->actor_count; a++) {
        rml_json_str(w, traffic->tracks[m->actors[a]].track_id);
    }
    rml_json_list_end(w);
    rml_json_kv_f64(w, "score", m->score);
    rml_json_object_end(w);
}

static rml_status tell(void *context, const rml_traffic *traffic, const rml_match *matches,
                       size_t count, rml_error *err)
{
    found *f = context;
    for (size_t i = 0; i < count && f->shown < f->limit; i++, f->shown++) {
        f->actors = matches[i].actor_count;
        write_match(&f->call->writer, traffic, &matches[i]);
    }
    if (f->plot == NULL || f->plotted) {
        return RML_OK;
    }
    rml_buffer svg = {0};
    f->plotted = true;
    rml_status st = rml_match_plot(f->query, traffic, &matches[0], 960, &svg, err);
    st = st ? st : rml_store_put(rml_str_of(f->plot), rml_buffer_bytes(&svg), err);
    rml_buffer_reset(&svg);
    return st;
}

static void write_sums(const found *f, const rml_find_result *r, bool saved)
{
    rml_json_writer *w = &f->call->writer;
    rml_json_list_end(w);
    rml_json_kv_i64(w, "recordings", (int64_t)r->recordings);
    rml_json_kv_i64(w, "matches", (int64_t)r->count.matches);
    rml_json_kv_i64(w, "evaluated", (int64_t)r->count.evaluated);
    rml_json_kv_i64(w, "unknown", (int64_t)r->count.unknown);
    rml_json_key(w, "unknown_because");
    rml_json_object(w);
    for (int c = 0; c < RML_UNKNOWN_CAUSES; c++) {
        rml_json_kv_i64(w, rml_unknown_cause_name((rml_unknown_cause)c),
                        (int64_t)r->count.because[c]);
    }
    rml_json_object_end(w);
    rml_json_kv_bool(w, "saved", saved);
    rml_json_kv_i64(w, "shown", f->shown);
    rml_json_key(w, "actor_names");
    rml_json_list(w);
    for (uint32_t i = 0; i < f->actors; i++) {
        rml_json_str(w, rml_query_actor_name(f->query, i));
    }
    rml_json_list_end(w);
    rml_json_object_end(w);
}

static rml_status search(rml_call *call, const rml_query *q, rml_error *err)
{
    rml_home *home;
    rml_find_result result;
    found f = {.call = call,
               .query = q,
               .plot = rml_call_path(call, "plot"),
               .limit = rml_call_i64(call, "limit")};
    RML_TRY(rml_call_home(call, false, &home, err));
    const rml_find_options options = {.text = rml_call_text(call, "QUERY"),
                                      .save = rml_call_flag(call, "save"),
                                      .tell = tell,
                                      .context = &f,
                                      .progress = &call->progress};
    rml_json_object(&call->writer);
    write_hash(&call->writer, q);
    rml_json_key(&call->writer, "events");
    rml_json_list(&call->writer);
    RML_TRY(rml_query_find(home->lake, q, &options, &result, err));
    write_sums(&f, &result, options.save);
    return RML_OK;
}

static rml_status run_find(rml_call *call, rml_error *err)
{
    rml_query *q = NULL;
    RML_TRY(rml_query_compile(rml_call_text(call, "QUERY"), RML_STR("query"), &q, err));
    rml_status st = rml_call_flag(call, "explain") ? explain(call, q, err) : search(call, q, err);
    rml_query_free(q);
    return st;
}

static const rml_option arguments[] = {
    {"QUERY", .type = RML_OPTION_TEXT, .help = "of docs/query.md", .required = true},
    {0},
};
static const rml_option options[] = {
    {"explain", .help = "only say what will be read, what it costs, and the plan"},
    {"limit", .type = RML_OPTION_INT, .value = "N",
     .help = "print at most N matches; all are counted and saved", .fallback = "20", .low = 0,
     .high = 1000000000},
    {"save", .help = "write the matches to the table events, in the place of earlier ones"},
    {"plot", .type = RML_OPTION_PATH, .value = "FILE", .help = "draw the first match as SVG"},
    {0},
};
static const rml_view view[] = {
    {.when = "{$explain?}", .text = "plan"},
    {.when = "{$explain?}",
     .line = "here: {recordings} recordings, {tracks} tracks, {states} states to read; at most "
             "{steps:.3g} "
             "steps to run"},
    {.when = "{$explain?}",
     .line = "[{egos_without_size?}{egos_without_size} recordings: the ego has no known size; what "
             "needs the "
             "centre or the box of theirs is not known there]"},
    {.when = "{$explain!}"},
    {.when = "{events?}",
     .each = "events",
     .table = "recording=recording_id:id | place=place_id | from s=start_ns:.1f*1e-9 | to "
              "s=end_ns:.1f*1e-9 | "
              "actor_names=actors.* | score:.3g"},
    {.line = "{matches} matches in {recordings} recordings[{matches-shown?} (--limit shows more)]; "
             "{evaluated} "
             "instants evaluated, {unknown} not known"},
    {.each = "unknown_because", .when = "{.?}", .line = "{.} not known: {@:words}"},
    {.line = "[{saved?}saved to the table events]"},
    {.line = "[{matches?}drawn to {$plot}]"},
    {0},
};

const rml_command rml_find_commands[] = {
    {
        .name = "find",
        .summary = "find situations by a query (docs/query.md)",
        .example = "roadmill find \"speed(a) > 10 m/s and hard_braking(a)\"",
        .arguments = arguments,
        .options = options,
        .view = view,
        .run = run_find,
    },
    {0},
};
