// The tree becomes a flat plan. A step is written in words once, for explain and for the hash.
#include <stdio.h>
#include <string.h>

#include "roadmill/codec.h"

#include "program.h"

typedef struct maker {
    rml_query *q;
    rml_array steps;
    size_t depth, loops;
    bool scored; // the comparison that gives the score is found
    rml_error *err;
} maker;

static rml_status push(maker *m, rml_step step, uint32_t *index)
{
    if (m->steps.count == RML_QUERY_STEPS_MAX) {
        return rml_fail(m->err, RML_ERR_LIMIT, (rml_place){0}, NULL,
                        "expected a plan of at most %d steps, found a longer one",
                        RML_QUERY_STEPS_MAX);
    }
    rml_step *made = rml_array_push(&m->steps, m->err);
    if (made == NULL) {
        return RML_ERR_MEMORY;
    }
    *made = step;
    if (index != NULL) {
        *index = (uint32_t)(m->steps.count - 1);
    }
    return RML_OK;
}

// What a step leaves on the stack.
static void grow(maker *m, size_t by)
{
    m->depth += by;
    m->q->depth = m->depth > m->q->depth ? m->depth : m->q->depth;
}

static rml_status make(maker *m, const rml_node *n, bool may_score);

// left, BEGIN, right, END
static rml_status make_both(maker *m, const rml_node *n, rml_op begin, rml_op end, bool may_score)
{
    uint32_t at, last;
    RML_TRY(make(m, n->left, may_score));
    RML_TRY(push(m, (rml_step){.op = begin}, &at));
    RML_TRY(make(m, n->right, may_score));
    RML_TRY(push(m, (rml_step){.op = end}, &last));
    RML_AT(&m->steps, rml_step, at)->end = last;
    m->depth--;
    return RML_OK;
}

// BEGIN, inside, END
static rml_status make_around(maker *m, const rml_node *n, rml_step begin, rml_op end,
                              bool may_score)
{
    uint32_t at, last;
    rml_step close = begin;
    close.op = end;
    RML_TRY(push(m, begin, &at));
    RML_TRY(make(m, n->left, may_score));
    RML_TRY(push(m, close, &last));
    RML_AT(&m->steps, rml_step, at)->end = last;
    RML_AT(&m->steps, rml_step, last)->end = at;
    return RML_OK;
}

static rml_status make_quantifier(maker *m, const rml_node *n)
{
    bool some = n->kind == RML_NODE_SOME;
    rml_step begin = {
        .op = some ? RML_OP_SOME_BEGIN : RML_OP_ALL_BEGIN, .a = n->a, .classes = n->classes};
    m->loops++;
    m->q->loops = m->loops > m->q->loops ? m->loops : m->q->loops;
    m->q->slots = n->a + 1 > m->q->slots ? n->a + 1 : m->q->slots;
    grow(m, 1); // the answer so far lies below the body's
    rml_status st = make_around(m, n, begin, some ? RML_OP_SOME_END : RML_OP_ALL_END, false);
    m->depth--;
    m->loops--;
    return st;
}

static rml_status make_compare(maker *m, const rml_node *n, bool may_score)
{
    bool ordered = n->compare != RML_EQ && n->compare != RML_NE;
    bool scores = may_score && !m->scored && ordered && n->left->kind == RML_NODE_MEASURE &&
                  n->right->kind == RML_NODE_NUMBER;
    RML_TRY(make(m, n->left, false));
    RML_TRY(make(m, n->right, false));
    m->depth--;
    if (scores) {
        m->scored = true;
        m->q->least_best = n->compare == RML_LT || n->compare == RML_LE;
    }
    return push(m, (rml_step){.op = RML_OP_COMPARE, .compare = n->compare, .scores = scores}, NULL);
}

static rml_status make_leaf(maker *m, const rml_node *n)
{
    rml_step step = {.a = n->a, .b = n->b, .classes = n->classes, .value = n->value};
    grow(m, 1);
    switch (n->kind) {
    case RML_NODE_NUMBER:
        step.op = RML_OP_NUMBER;
        break;
    case RML_NODE_IS:
        step.op = RML_OP_IS;
        break;
    case RML_NODE_SAME_LANE:
        step.op = RML_OP_SAME_LANE;
        m->q->reads |= RML_READS_LANES;
        break;
    case RML_NODE_CHANGES:
    case RML_NODE_INTO:
        step.op = n->kind == RML_NODE_INTO ? RML_OP_INTO : RML_OP_CHANGES;
        m->q->reads |= RML_READS_LANES;
        break;
    default:
        step.op = n->measure->result == RML_DIM_TRUTH ? RML_OP_PREDICATE : RML_OP_MEASURE;
        step.measure = n->measure;
        m->q->reads |= n->measure->reads;
    }
    return push(m, step, NULL);
}

static rml_status make(maker *m, const rml_node *n, bool may_score)
{
    switch (n->kind) {
    case RML_NODE_AND:
        return make_both(m, n, RML_OP_AND_BEGIN, RML_OP_AND_END, may_score);
    case RML_NODE_OR:
        return make_both(m, n, RML_OP_OR_BEGIN, RML_OP_OR_END, may_score);
    case RML_NODE_NOT:
        RML_TRY(make(m, n->left, false));
        return push(m, (rml_step){.op = RML_OP_NOT}, NULL);
    case RML_NODE_HOLD: {
        rml_step begin = {.op = RML_OP_HOLD_BEGIN, .ns = (int64_t)(n->value * 1e9 + 0.5)};
        return make_around(m, n, begin, RML_OP_HOLD_END, may_score);
    }
    case RML_NODE_SOME:
    case RML_NODE_ALL:
        return make_quantifier(m, n);
    case RML_NODE_COMPARE:
        return make_compare(m, n, may_score);
    default:
        return make_leaf(m, n);
    }
}

// ---- In words ----------------------------------------------------------------------------------

static rml_status write_classes(unsigned classes, rml_buffer *out, rml_error *err)
{
    if (classes == RML_CLASSES_ANY) {
        return rml_buffer_str(out, RML_STR("any"), err);
    }
    bool first = true;
    for (unsigned c = 0; c < 8; c++) {
        if (classes >> c & 1) {
            RML_TRY(rml_buffer_printf(out, err, "%s%s", first ? "" : "|",
                                      rml_agent_class_name((rml_agent_class)c)));
            first = false;
        }
    }
    return RML_OK;
}

static rml_status write_number(double value, rml_buffer *out, rml_error *err)
{
    char text[RML_F64_TEXT];
    rml_format_f64(value, text);
    return rml_buffer_printf(out, err, " %s", text);
}

rml_status rml_step_write(const rml_step *s, size_t index, rml_buffer *out, rml_error *err)
{
    static const char *const names[] = {
        "number",   "measure", "predicate", "compare", "is",      "same_lane", "changes_lane",
        "into",     "not",     "and",       "and_end", "or",      "or_end",    "hold",
        "hold_end", "some",    "some_end",  "all",     "all_end", "then",
    };
    static const char *const signs[] = {"<", "<=", ">", ">=", "==", "!="};
    RML_TRY(rml_buffer_printf(out, err, "%4zu  %s", index, names[s->op]));
    switch (s->op) {
    case RML_OP_NUMBER:
        return write_number(s->value, out, err);
    case RML_OP_MEASURE:
    case RML_OP_PREDICATE:
        RML_TRY(rml_buffer_printf(out, err, " %s #%u", s->measure->name, s->a));
        if (s->measure->actors == 2) {
            RML_TRY(rml_buffer_printf(out, err, " #%u", s->b));
        }
        return s->measure->has_limit ? write_number(s->value, out, err) : RML_OK;
    case RML_OP_COMPARE:
        return rml_buffer_printf(out, err, " %s%s", signs[s->compare], s->scores ? ", scores" : "");
    case RML_OP_IS:
        RML_TRY(rml_buffer_printf(out, err, " #%u ", s->a));
        return write_classes(s->classes, out, err);
    case RML_OP_CHANGES:
        return rml_buffer_printf(out, err, " #%u", s->a);
    case RML_OP_SAME_LANE:
    case RML_OP_INTO:
        return rml_buffer_printf(out, err, " #%u #%u", s->a, s->b);
    case RML_OP_SOME_BEGIN:
    case RML_OP_ALL_BEGIN:
        RML_TRY(rml_buffer_printf(out, err, " #%u ", s->a));
        return write_classes(s->classes, out, err);
    case RML_OP_HOLD_BEGIN:
    case RML_OP_THEN:
        return rml_buffer_printf(out, err, " %lld ns", (long long)s->ns);
    default:
        return RML_OK;
    }
}

// The hash is over the actors' classes and the steps in words: names, layout and comments are none
// of the meaning.
static rml_status hash_plan(rml_query *q, rml_error *err)
{
    rml_buffer text = {0};
    rml_status st = rml_buffer_str(&text, RML_STR("roadmill-query-1\n"), err);
    for (size_t i = 0; st == RML_OK && i < q->program.actor_count; i++) {
        const rml_query_actor *a = &q->program.actors[i];
        st = rml_buffer_printf(&text, err, "actor %s ", a->is_ego ? "ego" : "any");
        st = st ? st : write_classes(a->classes, &text, err);
        st = st ? st : rml_buffer_str(&text, RML_STR("\n"), err);
    }
    for (size_t i = 0; st == RML_OK && i < q->step_count; i++) {
        st = rml_step_write(&q->steps[i], i, &text, err);
        st = st ? st : rml_buffer_str(&text, RML_STR("\n"), err);
    }
    st = st ? st : rml_sha256(text.data, text.len, &q->hash);
    rml_buffer_reset(&text);
    return st;
}

rml_status rml_query_plan_make(rml_query *q, rml_error *err)
{
    maker m = {.q = q, .steps = RML_ARRAY(rml_step), .err = err};
    rml_status st = RML_OK;
    q->slots = q->program.actor_count;
    for (size_t i = 0; st == RML_OK && i < q->program.clause_count; i++) {
        const rml_clause *clause = &q->program.clauses[i];
        bool last = i + 1 == q->program.clause_count;
        m.depth = 0;
        st = make(&m, clause->node, last);
        st = st ? st : push(&m, (rml_step){.op = RML_OP_THEN, .ns = clause->within_ns}, NULL);
    }
    if (st == RML_OK) {
        q->steps = RML_NEW_ARRAY(&q->arena, rml_step, m.steps.count);
        st = q->steps ? RML_OK : rml_fail_memory(err, m.steps.count * sizeof(rml_step));
    }
    if (st == RML_OK) {
        memcpy(q->steps, m.steps.data, m.steps.count * sizeof(rml_step));
        q->step_count = m.steps.count;
        st = hash_plan(q, err);
    }
    rml_array_reset(&m.steps);
    return st;
}
