// What a query will read, what it costs, and its plan, in words; rows of `events`.
#include <math.h>

#include "program.h"

static rml_status say_actors(const rml_query *q, rml_buffer *out, rml_error *err)
{
    for (size_t i = 0; i < q->program.actor_count; i++) {
        const rml_query_actor *a = &q->program.actors[i];
        RML_TRY(rml_buffer_printf(out, err, "  #%zu %.*s: ", i, RML_FMT(a->name)));
        if (a->is_ego) {
            RML_TRY(rml_buffer_str(
                out, RML_STR("the ego vehicle where a recording has one, else each agent in turn"),
                err));
        } else {
            RML_TRY(rml_buffer_str(out, RML_STR("each other agent in turn"), err));
        }
        const char *gap = ", of class ";
        for (unsigned c = 0; c < 8 && a->classes != RML_CLASSES_ANY; c++) {
            if (a->classes >> c & 1) {
                RML_TRY(rml_buffer_printf(out, err, "%s%s", gap,
                                          rml_agent_class_name((rml_agent_class)c)));
                gap = " or ";
            }
        }
        RML_TRY(rml_buffer_str(out, RML_STR("\n"), err));
    }
    return RML_OK;
}

// Each measure once, in the order of the table.
static rml_status say_measures(const rml_query *q, rml_buffer *out, rml_error *err)
{
    for (size_t k = 0; k < rml_measure_count; k++) {
        for (size_t i = 0; i < q->step_count; i++) {
            if (q->steps[i].measure == &rml_measures[k]) {
                RML_TRY(rml_buffer_printf(out, err, "  %s: %s\n", rml_measures[k].name,
                                          rml_measures[k].meaning));
                break;
            }
        }
    }
    return RML_OK;
}

static rml_status say_cost(const rml_query *q, rml_buffer *out, rml_error *err)
{
    size_t dimensions = q->program.actor_count + q->loops;
    RML_TRY(rml_buffer_printf(
        out, err, "cost of a recording with T agents of N instants each: at most %zu steps x N",
        q->step_count));
    for (size_t i = 0; i < dimensions; i++) {
        RML_TRY(rml_buffer_str(out, RML_STR(" x T"), err));
    }
    return rml_buffer_printf(out, err, "; working memory %zu bytes x N\n",
                             (q->depth + 1) * 9 + q->slots * 4 + 21);
}

rml_status rml_query_explain(const rml_query *q, rml_buffer *out, rml_error *err)
{
    char hash[RML_HASH_TEXT];
    rml_hash_text(&q->hash, hash);
    RML_TRY(rml_buffer_printf(out, err, "query %.12s\nactors\n", hash));
    RML_TRY(say_actors(q, out, err));
    RML_TRY(rml_buffer_printf(out, err, "reads\n  tracks: track_id, t_ns, x_m, y_m, class%s\n",
                              q->reads & RML_READS_BOXES ? ", length_m, width_m" : ""));
    if (q->reads & RML_READS_LANES) {
        RML_TRY(rml_buffer_str(
            out, RML_STR("  maps: lanes with their bounds, neighbours and successors\n"), err));
    }
    RML_TRY(rml_buffer_str(out, RML_STR("measures (positions up to now alone)\n"), err));
    RML_TRY(say_measures(q, out, err));
    RML_TRY(say_cost(q, out, err));
    RML_TRY(rml_buffer_str(out, RML_STR("plan\n"), err));
    for (size_t i = 0; i < q->step_count; i++) {
        RML_TRY(rml_step_write(&q->steps[i], i, out, err));
        RML_TRY(rml_buffer_str(out, RML_STR("\n"), err));
    }
    return RML_OK;
}

// ---- Rows of `events` --------------------------------------------------------------------------

typedef struct event_row {
    char query_hash[RML_HASH_TEXT];
    rml_str query, recording_id, drive_id, place_id;
    int64_t start_ns, end_ns;
    const rml_str *actors;
    size_t actor_count;
    double score; // NaN: none
} event_row;

static const rml_member_list actor_list = {offsetof(event_row, actor_count), sizeof(rml_str)};
static const rml_field actor = {
    .name = {"element", 7}, .type = RML_TYPE_STRING, .member = RML_MEMBER_STR};
static const rml_field fields[] = {
    RML_COLUMN(event_row, query_hash, ID, RML_REQUIRED),
    RML_COLUMN(event_row, query, STR, RML_REQUIRED),
    RML_COLUMN(event_row, recording_id, STR, RML_REQUIRED),
    RML_COLUMN(event_row, drive_id, STR, RML_REQUIRED),
    RML_COLUMN(event_row, place_id, STR, RML_REQUIRED),
    RML_COLUMN(event_row, start_ns, I64, RML_REQUIRED),
    RML_COLUMN(event_row, end_ns, I64, RML_REQUIRED),
    RML_COLUMN(event_row, actors, LIST, RML_REQUIRED, RML_OF(actor_list), RML_CHILD(actor)),
    RML_COLUMN(event_row, score, F64, RML_NULLABLE),
};

rml_schema rml_event_table(void)
{
    return (rml_schema)RML_TABLE(fields);
}

rml_status rml_event_append(rml_batch *batch, const rml_query *q, rml_str text,
                            const rml_traffic *traffic, const rml_match *match, rml_error *err)
{
    rml_str actors[RML_QUERY_ACTORS_MAX];
    event_row row = {.query = text,
                     .recording_id = traffic->recording_id,
                     .drive_id = traffic->drive_id,
                     .place_id = traffic->place_id,
                     .start_ns = match->start_ns,
                     .end_ns = match->end_ns,
                     .actors = actors,
                     .actor_count = match->actor_count,
                     .score = isfinite(match->score) ? match->score : NAN};
    rml_hash_text(&q->hash, row.query_hash);
    for (uint32_t i = 0; i < match->actor_count; i++) {
        actors[i] = traffic->tracks[match->actors[i]].track_id;
    }
    return rml_row_append(batch, &row, err);
}
