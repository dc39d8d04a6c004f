// Words into a tree. The grammar stands in docs/query.md.
#include <string.h>

#include "program.h"

typedef struct parser {
    const rml_word *words; // ends with RML_WORD_END
    size_t at;
    rml_str file;
    rml_arena *arena;
    rml_program *program;
    bool declared; // a head names the actors; otherwise they are named by their first use
    rml_str bound[RML_QUERY_DEPTH_MAX]; // by quantifiers around here
    uint32_t bound_slots[RML_QUERY_DEPTH_MAX];
    size_t bound_count;
    uint32_t next_slot;
    int depth;
    rml_error *err;
} parser;

static const rml_word *word(const parser *p)
{
    return &p->words[p->at];
}

static bool is(const parser *p, const char *text)
{
    const rml_word *w = word(p);
    return (w->kind == RML_WORD_NAME || w->kind == RML_WORD_SIGN) &&
           rml_str_equal(w->text, rml_str_of(text));
}

static bool take(parser *p, const char *text)
{
    bool found = is(p, text);
    p->at += found;
    return found;
}

static rml_place place_of(const parser *p, const rml_word *w)
{
    return rml_place_line(p->file, w->line, w->column);
}

// "expected ..., found ...", and the nearest name if one is known.
static rml_status expected(parser *p, const char *what, const char *nearest)
{
    const rml_word *w = word(p);
    rml_str found = w->kind == RML_WORD_END ? RML_STR("the end") : w->text;
    return nearest == NULL ? rml_fail(p->err, RML_ERR_DATA, place_of(p, w), NULL,
                                      "expected %s, found %.*s", what, RML_FMT(found))
                           : rml_fail(p->err, RML_ERR_DATA, place_of(p, w), NULL,
                                      "expected %s, found %.*s; the nearest is %s", what,
                                      RML_FMT(found), nearest);
}

static rml_status need(parser *p, const char *text, const char *what)
{
    return take(p, text) ? RML_OK : expected(p, what, NULL);
}

static rml_status make_node(parser *p, rml_node_kind kind, rml_node **out)
{
    *out = RML_NEW(p->arena, rml_node);
    if (*out == NULL) {
        return rml_fail_memory(p->err, sizeof(rml_node));
    }
    (*out)->kind = kind;
    return RML_OK;
}

// ---- Classes and actors ------------------------------------------------------------------------

static const char *const class_names[] = {"car",     "truck",   "bus",        "motorcycle",
                                          "bicycle", "vehicle", "pedestrian", "road_user",
                                          "static",  "any"};

unsigned rml_classes_of(rml_str name)
{
    const unsigned vehicle = 1u << RML_AGENT_CAR | 1u << RML_AGENT_TRUCK | 1u << RML_AGENT_BUS |
                             1u << RML_AGENT_MOTORCYCLE;
    rml_agent_class one;
    if (rml_str_equal(name, RML_STR("any"))) {
        return RML_CLASSES_ANY;
    }
    if (rml_str_equal(name, RML_STR("vehicle"))) {
        return vehicle;
    }
    if (rml_str_equal(name, RML_STR("road_user"))) {
        return vehicle | 1u << RML_AGENT_BICYCLE | 1u << RML_AGENT_PEDESTRIAN;
    }
    bool known = rml_agent_class_parse(name, &one) && one != RML_AGENT_UNKNOWN;
    return known ? 1u << one : 0;
}

static rml_status parse_class(parser *p, unsigned *out)
{
    *out = word(p)->kind == RML_WORD_NAME ? rml_classes_of(word(p)->text) : 0;
    if (*out == 0) {
        return expected(
            p,
            "a class (car, truck, bus, motorcycle, bicycle, pedestrian, vehicle, "
            "road_user, any)",
            rml_nearest_name(word(p)->text, class_names, sizeof class_names / sizeof *class_names));
    }
    p->at++;
    return RML_OK;
}

static bool is_word_of_language(rml_str name)
{
    static const char *const words[] = {"and",  "or", "not",   "then",    "within",
                                        "for",  "at", "least", "some",    "all",
                                        "into", "is", "class", "lane_of", "changes_lane"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (rml_str_equal(name, rml_str_of(words[i]))) {
            return true;
        }
    }
    for (size_t i = 0; i < rml_measure_count; i++) {
        if (rml_str_equal(name, rml_str_of(rml_measures[i].name))) {
            return true;
        }
    }
    return false;
}

static rml_status declare(parser *p, rml_str name, unsigned classes)
{
    rml_program *g = p->program;
    for (size_t i = 0; i < g->actor_count; i++) {
        if (rml_str_equal(g->actors[i].name, name)) {
            return expected(p, "an actor with a name of its own", NULL);
        }
    }
    if (g->actor_count == RML_QUERY_ACTORS_MAX) {
        return rml_fail(p->err, RML_ERR_LIMIT, place_of(p, word(p)), NULL,
                        "expected at most %d actors, found one more: %.*s", RML_QUERY_ACTORS_MAX,
                        RML_FMT(name));
    }
    rml_str copy = rml_arena_str(p->arena, name);
    if (copy.data == NULL) {
        return rml_fail_memory(p->err, name.len);
    }
    g->actors[g->actor_count++] =
        (rml_query_actor){copy, classes, rml_str_equal(name, RML_STR("ego"))};
    return RML_OK;
}

static rml_status parse_actor(parser *p, uint32_t *slot)
{
    const rml_word *w = word(p);
    const char *names[RML_QUERY_ACTORS_MAX];
    if (w->kind != RML_WORD_NAME || is_word_of_language(w->text)) {
        return expected(p, "an actor's name", NULL);
    }
    for (size_t i = p->bound_count; i-- > 0;) {
        if (rml_str_equal(p->bound[i], w->text)) {
            *slot = p->bound_slots[i];
            p->at++;
            return RML_OK;
        }
    }
    for (size_t i = 0; i < p->program->actor_count; i++) {
        if (rml_str_equal(p->program->actors[i].name, w->text)) {
            *slot = (uint32_t)i;
            p->at++;
            return RML_OK;
        }
        names[i] = p->program->actors[i].name.data;
    }
    if (p->declared) {
        return expected(p, "one of the actors that the head names",
                        rml_nearest_name(w->text, names, p->program->actor_count));
    }
    RML_TRY(declare(p, w->text, RML_CLASSES_ANY));
    *slot = (uint32_t)(p->program->actor_count - 1);
    p->at++;
    return RML_OK;
}

// ---- Measures ----------------------------------------------------------------------------------

static const rml_measure *find_measure(rml_str name)
{
    for (size_t i = 0; i < rml_measure_count; i++) {
        if (rml_str_equal(name, rml_str_of(rml_measures[i].name))) {
            return &rml_measures[i];
        }
    }
    return NULL;
}

static rml_status parse_duration(parser *p, double *seconds)
{
    const rml_word *w = word(p);
    if (w->kind != RML_WORD_NUMBER || w->dimension != RML_DIM_TIME) {
        return expected(p, "a time (2 s, 500 ms)", NULL);
    }
    if (!(w->value >= 0 && w->value <= 86400)) {
        return expected(p, "a time from 0 to 86400 s", NULL);
    }
    *seconds = w->value;
    p->at++;
    return RML_OK;
}

// measure "(" actor { "," actor } [ "," limit ] ")", after its name.
static rml_status parse_arguments(parser *p, const rml_measure *m, rml_node *node)
{
    RML_TRY(need(p, "(", "( after a measure"));
    RML_TRY(parse_actor(p, &node->a));
    node->b = node->a;
    if (m->actors == 2) {
        RML_TRY(need(p, ",", ", and a second actor"));
        const rml_word *second = word(p);
        RML_TRY(parse_actor(p, &node->b));
        if (node->a == node->b) {
            return rml_fail(p->err, RML_ERR_DATA, place_of(p, second), NULL,
                            "expected two actors for %s, found %.*s twice", m->name,
                            RML_FMT(second->text));
        }
    }
    node->value = m->limit;
    if (m->has_limit && take(p, ",")) {
        if (word(p)->kind != RML_WORD_NUMBER || word(p)->dimension != m->limit_dimension) {
            return expected(p, rml_dimension_name(m->limit_dimension), NULL);
        }
        node->value = word(p)->value;
        p->at++;
    }
    return need(p, ")", m->actors == 1 ? ") after one actor" : ") after two actors");
}

// A number, a measure, lane_of(actor) or class(actor).
static rml_status parse_value(parser *p, rml_node **out, rml_dimension *dimension)
{
    const rml_word *w = word(p);
    if (w->kind == RML_WORD_NUMBER) {
        RML_TRY(make_node(p, RML_NODE_NUMBER, out));
        (*out)->value = w->value;
        *dimension = w->dimension;
        p->at++;
        return RML_OK;
    }
    if (is(p, "lane_of") || is(p, "class")) {
        *dimension = is(p, "class") ? RML_DIM_CLASS : RML_DIM_LANE;
        p->at++;
        RML_TRY(make_node(p, RML_NODE_MEASURE, out));
        RML_TRY(need(p, "(", "( and an actor"));
        RML_TRY(parse_actor(p, &(*out)->a));
        return need(p, ")", ") after one actor");
    }
    const rml_measure *m = w->kind == RML_WORD_NAME ? find_measure(w->text) : NULL;
    if (m == NULL) {
        const char *names[64] = {"lane_of", "class", "not", "some", "all"};
        size_t count = 5;
        for (size_t i = 0; i < rml_measure_count && count < 64; i++) {
            names[count++] = rml_measures[i].name;
        }
        return expected(p, "a condition, a measure or a number with its unit",
                        rml_nearest_name(w->text, names, count));
    }
    RML_TRY(make_node(p, RML_NODE_MEASURE, out));
    (*out)->measure = m;
    *dimension = m->result;
    p->at++;
    return parse_arguments(p, m, *out);
}

// ---- Conditions --------------------------------------------------------------------------------

static rml_status parse_or(parser *p, rml_node **out);

static bool take_compare(parser *p, rml_compare *out)
{
    static const char *const signs[] = {"<", "<=", ">", ">=", "==", "!="};
    for (int i = 0; i < 6; i++) {
        if (take(p, signs[i])) {
            *out = (rml_compare)i;
            return true;
        }
    }
    return false;
}

// Wraps in not where the sign was !=.
static rml_status finish_equality(parser *p, rml_node *node, rml_compare sign, rml_node **out)
{
    *out = node;
    if (sign == RML_NE) {
        RML_TRY(make_node(p, RML_NODE_NOT, out));
        (*out)->left = node;
    }
    return RML_OK;
}

static rml_status parse_equality(parser *p, rml_node *left, rml_dimension dimension, rml_node **out)
{
    rml_compare sign;
    rml_node *node, *right;
    rml_dimension other;
    if (!take_compare(p, &sign) || (sign != RML_EQ && sign != RML_NE)) {
        return expected(p, "== or !=", NULL);
    }
    if (dimension == RML_DIM_CLASS) {
        RML_TRY(make_node(p, RML_NODE_IS, &node));
        node->a = left->a;
        RML_TRY(parse_class(p, &node->classes));
        return finish_equality(p, node, sign, out);
    }
    RML_TRY(make_node(p, RML_NODE_SAME_LANE, &node));
    if (!is(p, "lane_of")) {
        return expected(p, "lane_of", NULL);
    }
    RML_TRY(parse_value(p, &right, &other));
    node->a = left->a;
    node->b = right->a;
    return finish_equality(p, node, sign, out);
}

static rml_status parse_comparison(parser *p, rml_node **out)
{
    rml_dimension left_dimension, right_dimension;
    rml_node *left, *right;
    RML_TRY(parse_value(p, &left, &left_dimension));
    if (left_dimension == RML_DIM_TRUTH) {
        *out = left;
        return RML_OK;
    }
    if (left_dimension == RML_DIM_CLASS || left_dimension == RML_DIM_LANE) {
        return parse_equality(p, left, left_dimension, out);
    }
    RML_TRY(make_node(p, RML_NODE_COMPARE, out));
    if (!take_compare(p, &(*out)->compare)) {
        return expected(p, "one of < <= > >= == != after a quantity", NULL);
    }
    const rml_word *w = word(p);
    RML_TRY(parse_value(p, &right, &right_dimension));
    if (left_dimension != right_dimension) {
        return rml_fail(p->err, RML_ERR_DATA, place_of(p, w), NULL, "expected %s, found %s",
                        rml_dimension_name(left_dimension), rml_dimension_name(right_dimension));
    }
    (*out)->left = left;
    (*out)->right = right;
    return RML_OK;
}

// actor changes_lane [ into lane_of ( actor ) ], actor is class
static rml_status parse_about_actor(parser *p, rml_node **out)
{
    uint32_t actor;
    RML_TRY(parse_actor(p, &actor));
    if (take(p, "is")) {
        RML_TRY(make_node(p, RML_NODE_IS, out));
        (*out)->a = actor;
        return parse_class(p, &(*out)->classes);
    }
    RML_TRY(need(p, "changes_lane", "changes_lane or is, after an actor"));
    RML_TRY(make_node(p, RML_NODE_CHANGES, out));
    (*out)->a = actor;
    if (take(p, "into")) {
        rml_node *into;
        rml_dimension dimension;
        if (!is(p, "lane_of")) {
            return expected(p, "lane_of", NULL);
        }
        RML_TRY(parse_value(p, &into, &dimension));
        (*out)->kind = RML_NODE_INTO;
        (*out)->b = into->a;
        if ((*out)->a == (*out)->b) {
            return expected(p, "the lane of another actor", NULL);
        }
    }
    return RML_OK;
}

static rml_status parse_quantifier(parser *p, rml_node **out)
{
    RML_TRY(make_node(p, is(p, "some") ? RML_NODE_SOME : RML_NODE_ALL, out));
    rml_node *node = *out;
    p->at++;
    const rml_word *name = word(p);
    if (name->kind != RML_WORD_NAME || is_word_of_language(name->text)) {
        return expected(p, "a name for the other actor", NULL);
    }
    for (size_t i = 0; i < p->program->actor_count; i++) {
        if (rml_str_equal(p->program->actors[i].name, name->text)) {
            return expected(p, "a name that no actor has yet", NULL);
        }
    }
    p->at++;
    node->classes = RML_CLASSES_ANY;
    RML_TRY(need(p, ":", ": and a class or a condition"));
    // "some v: vehicle: ..." or "some v: ..."
    if (word(p)->kind == RML_WORD_NAME && rml_classes_of(word(p)->text) != 0 &&
        p->words[p->at + 1].kind == RML_WORD_SIGN &&
        rml_str_equal(p->words[p->at + 1].text, RML_STR(":"))) {
        RML_TRY(parse_class(p, &node->classes));
        p->at++;
    } else if (word(p)->kind == RML_WORD_NAME && p->words[p->at + 1].kind == RML_WORD_SIGN &&
               rml_str_equal(p->words[p->at + 1].text, RML_STR(":"))) {
        return parse_class(p, &node->classes); // names the nearest class
    }
    node->a = p->next_slot++;
    p->bound[p->bound_count] = name->text;
    p->bound_slots[p->bound_count++] = node->a;
    rml_status st = parse_or(p, &node->left);
    p->bound_count--;
    p->next_slot--;
    return st;
}

static rml_status parse_primary(parser *p, rml_node **out)
{
    if (take(p, "(")) {
        RML_TRY(parse_or(p, out));
        if (is(p, "then")) {
            return expected(p,
                            ") (then within joins whole clauses and stands outside of "
                            "parentheses)",
                            NULL);
        }
        return need(p, ")", ")");
    }
    if (is(p, "some") || is(p, "all")) {
        return parse_quantifier(p, out);
    }
    const rml_word *next = &p->words[p->at + (word(p)->kind != RML_WORD_END)];
    bool about = word(p)->kind == RML_WORD_NAME && next->kind == RML_WORD_NAME &&
                 (rml_str_equal(next->text, RML_STR("changes_lane")) ||
                  rml_str_equal(next->text, RML_STR("is")));
    return about ? parse_about_actor(p, out) : parse_comparison(p, out);
}

static rml_status parse_held(parser *p, rml_node **out)
{
    RML_TRY(parse_primary(p, out));
    while (take(p, "for")) {
        rml_node *held;
        RML_TRY(need(p, "at", "at least and a time, after for"));
        RML_TRY(need(p, "least", "least and a time, after for at"));
        RML_TRY(make_node(p, RML_NODE_HOLD, &held));
        held->left = *out;
        RML_TRY(parse_duration(p, &held->value));
        *out = held;
        if (is(p, "for")) {
            return expected(p, "one for at least", NULL);
        }
    }
    return RML_OK;
}

static rml_status parse_not(parser *p, rml_node **out)
{
    if (++p->depth > RML_QUERY_DEPTH_MAX) {
        return rml_fail(p->err, RML_ERR_LIMIT, place_of(p, word(p)), NULL,
                        "expected a nesting of at most %d, found one deeper", RML_QUERY_DEPTH_MAX);
    }
    rml_status st;
    if (take(p, "not")) {
        st = make_node(p, RML_NODE_NOT, out);
        st = st ? st : parse_not(p, &(*out)->left);
    } else {
        st = parse_held(p, out);
    }
    p->depth--;
    return st;
}

// A chain of one sign, bound from the left, so a long one is no deep one.
static rml_status parse_chain(parser *p, const char *sign, rml_node_kind kind,
                              rml_status (*item)(parser *p, rml_node **out), rml_node **out)
{
    RML_TRY(item(p, out));
    while (take(p, sign)) {
        rml_node *both;
        RML_TRY(make_node(p, kind, &both));
        both->left = *out;
        RML_TRY(item(p, &both->right));
        *out = both;
    }
    return RML_OK;
}

static rml_status parse_and(parser *p, rml_node **out)
{
    return parse_chain(p, "and", RML_NODE_AND, parse_not, out);
}

static rml_status parse_or(parser *p, rml_node **out)
{
    return parse_chain(p, "or", RML_NODE_OR, parse_and, out);
}

// ---- Program -----------------------------------------------------------------------------------

// A head is NAME ( ... ) : at the start.
static bool has_head(const parser *p)
{
    const rml_word *w = p->words;
    if (w[0].kind != RML_WORD_NAME || w[1].kind != RML_WORD_SIGN ||
        !rml_str_equal(w[1].text, RML_STR("("))) {
        return false;
    }
    size_t i = 2;
    while (w[i].kind != RML_WORD_END && !rml_str_equal(w[i].text, RML_STR(")"))) {
        i++;
    }
    return w[i].kind != RML_WORD_END && w[i + 1].kind == RML_WORD_SIGN &&
           rml_str_equal(w[i + 1].text, RML_STR(":"));
}

static rml_status parse_head(parser *p)
{
    p->declared = true;
    p->at = 2;
    do {
        unsigned classes = RML_CLASSES_ANY;
        const rml_word *name = word(p);
        if (name->kind != RML_WORD_NAME || is_word_of_language(name->text)) {
            return expected(p, "an actor's name", NULL);
        }
        RML_TRY(declare(p, name->text, classes));
        p->at++;
        if (take(p, ":")) {
            RML_TRY(parse_class(p, &classes));
            p->program->actors[p->program->actor_count - 1].classes = classes;
        }
    } while (take(p, ","));
    RML_TRY(need(p, ")", ") or , and another actor"));
    return need(p, ":", ": after the head");
}

static rml_status parse_clauses(parser *p)
{
    rml_program *g = p->program;
    double seconds = 0;
    for (;;) {
        if (g->clause_count == RML_QUERY_CLAUSES_MAX) {
            return rml_fail(p->err, RML_ERR_LIMIT, place_of(p, word(p)), NULL,
                            "expected at most %d clauses, found one more", RML_QUERY_CLAUSES_MAX);
        }
        rml_clause *clause = &g->clauses[g->clause_count++];
        clause->within_ns = (int64_t)(seconds * 1e9 + 0.5);
        RML_TRY(parse_or(p, &clause->node));
        if (!take(p, "then")) {
            break;
        }
        RML_TRY(need(p, "within", "within and a time, after then"));
        RML_TRY(parse_duration(p, &seconds));
        RML_TRY(need(p, ":", ": after then within a time"));
    }
    return word(p)->kind == RML_WORD_END ? RML_OK
                                         : expected(p, "and, or, then within, or the end", NULL);
}

rml_status rml_program_parse(rml_str text, rml_str file, rml_arena *arena, rml_program *out,
                             rml_error *err)
{
    rml_array words = RML_ARRAY(rml_word);
    *out = (rml_program){0};
    rml_status st = rml_words_read(text, file, &words, err);
    parser p = {.words = words.data,
                .file = file,
                .arena = arena,
                .program = out,
                .next_slot = RML_QUERY_ACTORS_MAX,
                .err = err};
    if (st == RML_OK && has_head(&p)) {
        st = parse_head(&p);
    } else if (st == RML_OK) {
        // The focus comes first, wherever it is named.
        for (size_t i = 0; st == RML_OK && i < words.count && out->actor_count == 0; i++) {
            if (rml_str_equal(p.words[i].text, RML_STR("ego"))) {
                st = declare(&p, p.words[i].text, RML_CLASSES_ANY);
            }
        }
    }
    st = st ? st : parse_clauses(&p);
    if (st == RML_OK && out->actor_count == 0) {
        st = rml_fail(err, RML_ERR_DATA, rml_place_file(file), NULL,
                      "expected a condition on an actor, found one on none");
    }
    rml_array_reset(&words);
    return st;
}
