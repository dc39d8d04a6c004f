// The command find: a query over all recordings of the lake.
#include "command.h"

#include <math.h>

#include "roadmill/query.h"

static const rml_option find_options[] = {
    {"--explain", NULL, "only say what will be read, what it costs, and the plan"},
    {"--limit", "N", "print at most N matches (default: 20); all are counted and saved"},
    {"--save", NULL, "write the matches to the table events, in the place of earlier ones"},
    {"--plot", "FILE", "draw the first match as SVG"},
};

typedef struct found {
    rml_cli *cli;
    const rml_query *query;
    const char *plot;
    bool plotted, started;
    int64_t limit, printed;
    rml_cli_table table;
} found;

static rml_status print_price(rml_cli *cli, const rml_query *q, rml_error *err)
{
    rml_home *home;
    rml_query_price price;
    rml_buffer text = {0};
    RML_TRY(rml_cli_home(cli, false, &home, err));
    RML_TRY(rml_query_price_of(home->lake, q, &price, err));
    rml_status st = rml_query_explain(q, &text, err);
    if (st == RML_OK && cli->json) {
        rml_hash hash;
        char name[RML_HASH_TEXT];
        rml_query_hash(q, &hash);
        rml_hash_text(&hash, name);
        rml_json_object(&cli->writer);
        rml_json_kv_str(&cli->writer, "query_hash", rml_str_of(name));
        rml_json_kv_i64(&cli->writer, "recordings", (int64_t)price.recordings);
        rml_json_kv_i64(&cli->writer, "tracks", (int64_t)price.tracks);
        rml_json_kv_i64(&cli->writer, "states", (int64_t)price.states);
        rml_json_kv_i64(&cli->writer, "egos_without_size", (int64_t)price.points);
        rml_json_kv_f64(&cli->writer, "steps", price.steps);
        rml_json_kv_str(&cli->writer, "plan", rml_buffer_text(&text));
        rml_json_object_end(&cli->writer);
    } else if (st == RML_OK) {
        rml_cli_print(cli, "%.*s", RML_FMT(rml_buffer_text(&text)));
        rml_cli_print(cli,
                      "here: %llu recordings, %llu tracks, %llu states to read; at most %.3g steps "
                      "to run\n",
                      (unsigned long long)price.recordings, (unsigned long long)price.tracks,
                      (unsigned long long)price.states, price.steps);
        if (price.points > 0) {
            rml_cli_print(cli,
                          "%llu recordings: %s; what needs the centre or the box of theirs is not "
                          "known there\n",
                          (unsigned long long)price.points,
                          rml_unknown_cause_text(RML_UNKNOWN_EGO_SIZE));
        }
    }
    rml_buffer_reset(&text);
    return st;
}

static void print_json(found *f, const rml_traffic *traffic, const rml_match *m)
{
    rml_json_writer *w = &f->cli->writer;
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

static void print_row(found *f, const rml_traffic *traffic, const rml_match *m)
{
    rml_cli *cli = f->cli;
    if (!f->started) {
        const char *heads[5 + RML_QUERY_ACTORS_MAX] = {"recording", "place", "from s", "to s"};
        size_t columns = 4;
        for (size_t a = 0; a < m->actor_count; a++) {
            rml_str name = rml_query_actor_name(f->query, a);
            heads[columns++] = rml_arena_printf(&cli->arena, "%.*s", RML_FMT(name)).data;
        }
        heads[columns++] = "score";
        rml_cli_table_begin(&f->table, heads, columns);
        f->started = true;
    }
    rml_cli_table_cell(cli, &f->table, "%.12s", traffic->recording_id.data);
    rml_cli_table_cell(cli, &f->table, "%.*s", RML_FMT(traffic->place_id));
    rml_cli_table_cell(cli, &f->table, "%.1f", (double)m->start_ns / 1e9);
    rml_cli_table_cell(cli, &f->table, "%.1f", (double)m->end_ns / 1e9);
    for (uint32_t a = 0; a < m->actor_count; a++) {
        rml_cli_table_cell(cli, &f->table, "%.*s", RML_FMT(traffic->tracks[m->actors[a]].track_id));
    }
    if (isnan(m->score)) {
        rml_cli_table_cell(cli, &f->table, "-");
    } else {
        rml_cli_table_cell(cli, &f->table, "%.3g", m->score);
    }
}

static rml_status tell(void *context, const rml_traffic *traffic, const rml_match *matches,
                       size_t count, rml_error *err)
{
    found *f = context;
    for (size_t i = 0; i < count && f->printed < f->limit; i++, f->printed++) {
        if (f->cli->json) {
            print_json(f, traffic, &matches[i]);
        } else {
            print_row(f, traffic, &matches[i]);
        }
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

static void print_sums(found *f, const rml_find_result *r, bool saved)
{
    rml_cli *cli = f->cli;
    if (cli->json) {
        rml_json_list_end(&cli->writer);
        rml_json_kv_i64(&cli->writer, "recordings", (int64_t)r->recordings);
        rml_json_kv_i64(&cli->writer, "matches", (int64_t)r->count.matches);
        rml_json_kv_i64(&cli->writer, "evaluated", (int64_t)r->count.evaluated);
        rml_json_kv_i64(&cli->writer, "unknown", (int64_t)r->count.unknown);
        rml_json_key(&cli->writer, "unknown_because");
        rml_json_object(&cli->writer);
        for (int c = 0; c < RML_UNKNOWN_CAUSES; c++) {
            rml_json_kv_i64(&cli->writer, rml_unknown_cause_name((rml_unknown_cause)c),
                            (int64_t)r->count.because[c]);
        }
        rml_json_object_end(&cli->writer);
        rml_json_kv_bool(&cli->writer, "saved", saved);
        rml_json_object_end(&cli->writer);
        return;
    }
    if (f->started) {
        rml_cli_table_end(cli, &f->table);
    }
    rml_cli_print(cli,
                  "%llu matches in %llu recordings%s; %llu instants evaluated, %llu not known\n",
                  (unsigned long long)r->count.matches, (unsigned long long)r->recordings,
                  (uint64_t)f->printed < r->count.matches ? " (--limit shows more)" : "",
                  (unsigned long long)r->count.evaluated, (unsigned long long)r->count.unknown);
    for (int c = 0; c < RML_UNKNOWN_CAUSES; c++) {
        if (r->count.because[c] > 0) {
            rml_cli_print(cli, "%llu not known: %s\n", (unsigned long long)r->count.because[c],
                          rml_unknown_cause_text((rml_unknown_cause)c));
        }
    }
    if (saved) {
        rml_cli_print(cli, "saved to the table events\n");
    }
    if (f->plotted) {
        rml_cli_print(cli, "drawn to %s\n", f->plot);
    }
}

static rml_status search(rml_cli *cli, const rml_query *q, rml_error *err)
{
    rml_home *home;
    rml_find_result result;
    found f = {.cli = cli, .query = q, .plot = rml_cli_value(cli, "--plot"), .limit = 20};
    RML_TRY(rml_cli_i64(cli, "--limit", 0, 1000000000, &f.limit, err));
    RML_TRY(rml_cli_home(cli, false, &home, err));
    const rml_find_options options = {.text = rml_str_of(cli->arguments[0]),
                                      .save = rml_cli_flag(cli, "--save"),
                                      .tell = tell,
                                      .context = &f,
                                      .progress = &cli->progress};
    if (cli->json) {
        rml_hash hash;
        char name[RML_HASH_TEXT];
        rml_query_hash(q, &hash);
        rml_hash_text(&hash, name);
        rml_json_object(&cli->writer);
        rml_json_kv_str(&cli->writer, "query_hash", rml_str_of(name));
        rml_json_key(&cli->writer, "events");
        rml_json_list(&cli->writer);
    }
    RML_TRY(rml_query_find(home->lake, q, &options, &result, err));
    print_sums(&f, &result, options.save);
    return RML_OK;
}

static rml_status run_find(rml_cli *cli, rml_error *err)
{
    rml_query *q = NULL;
    RML_TRY(rml_query_compile(rml_str_of(cli->arguments[0]), RML_STR("query"), &q, err));
    rml_status st = rml_cli_flag(cli, "--explain") ? print_price(cli, q, err) : search(cli, q, err);
    rml_query_free(q);
    return st;
}

static const rml_command commands[] = {
    {
        .name = "find",
        .arguments = "QUERY",
        .summary = "find situations by a query (docs/query.md)",
        .example = "roadmill find \"speed(a) > 10 m/s and hard_braking(a)\"",
        .arguments_min = 1,
        .arguments_max = 1,
        .options = find_options,
        .option_count = sizeof find_options / sizeof *find_options,
        .run = run_find,
    },
};

const rml_command_group rml_find_commands = {commands, sizeof commands / sizeof *commands};
