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

rml_schema rml_event_table(void)
{
    static const rml_field element[] = {{.name = {"element", 7}, .type = RML_TYPE_STRING}};
    static const rml_field fields[] = {
        {.name = {"query_hash", 10}, .type = RML_TYPE_STRING},
        {.name = {"query", 5}, .type = RML_TYPE_STRING},
        {.name = {"recording_id", 12}, .type = RML_TYPE_STRING},
        {.name = {"drive_id", 8}, .type = RML_TYPE_STRING},
        {.name = {"place_id", 8}, .type = RML_TYPE_STRING},
        {.name = {"start_ns", 8}, .type = RML_TYPE_I64},
        {.name = {"end_ns", 6}, .type = RML_TYPE_I64},
        {.name = {"actors", 6}, .type = RML_TYPE_LIST, .children = element, .child_count = 1},
        {.name = {"score", 5}, .type = RML_TYPE_F64, .nullable = true},
    };
    return (rml_schema){fields, sizeof fields / sizeof *fields};
}

rml_status rml_event_append(rml_batch *batch, const rml_query *q, rml_str text,
                            const rml_traffic *traffic, const rml_match *match, rml_error *err)
{
    char hash[RML_HASH_TEXT];
    rml_column *c = batch->columns;
    rml_hash_text(&q->hash, hash);
    RML_TRY(rml_column_str(c++, rml_str_of(hash), err));
    RML_TRY(rml_column_str(c++, text, err));
    RML_TRY(rml_column_str(c++, traffic->recording_id, err));
    RML_TRY(rml_column_str(c++, traffic->drive_id, err));
    RML_TRY(rml_column_str(c++, traffic->place_id, err));
    RML_TRY(rml_column_i64(c++, match->start_ns, err));
    RML_TRY(rml_column_i64(c++, match->end_ns, err));
    for (uint32_t i = 0; i < match->actor_count; i++) {
        rml_str id = traffic->tracks[match->actors[i]].track_id;
        RML_TRY(rml_column_str(&c->children[0], id, err));
    }
    RML_TRY(rml_column_list_end(c++, err));
    RML_TRY(isfinite(match->score) ? rml_column_f64(c, match->score, err)
                                   : rml_column_null(c, err));
    return rml_batch_row_end(batch, err);
}
