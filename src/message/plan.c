// Compiles a definition into a flat plan: nested types are unrolled into one sequence of ops, runs
// of numbers of one kind become one op, arrays of structs a loop over a body.
#include "plan.h"

#include <string.h>

const struct rml_wire_info rml_wires[] = {
    [RML_WIRE_BOOL] = {1, RML_TYPE_BOOL}, [RML_WIRE_I8] = {1, RML_TYPE_I8},
    [RML_WIRE_U8] = {1, RML_TYPE_I16},    [RML_WIRE_I16] = {2, RML_TYPE_I16},
    [RML_WIRE_U16] = {2, RML_TYPE_I32},   [RML_WIRE_I32] = {4, RML_TYPE_I32},
    [RML_WIRE_U32] = {4, RML_TYPE_I64},   [RML_WIRE_I64] = {8, RML_TYPE_I64},
    [RML_WIRE_U64] = {8, RML_TYPE_U64},   [RML_WIRE_F32] = {4, RML_TYPE_F32},
    [RML_WIRE_F64] = {8, RML_TYPE_F64},
};

typedef struct compiler {
    rml_message_plan *plan;
    const rml_definition *definition;
    rml_str file;
    rml_array struct_ends; // uint32_t node: structs of the body under way, inner ones first
    uint32_t depth;
    rml_error *err;
} compiler;

static const rml_definition_field empty_member = {
    .wire = RML_WIRE_U8,
    .name = {"structure_needs_at_least_one_member", 35},
    .shape = RML_SHAPE_ONE,
    .length = RML_PLAN_NONE,
    .string_bound = RML_PLAN_NONE,
};

static rml_status add_node(compiler *c, uint32_t parent, size_t index, uint32_t *out)
{
    if (c->plan->nodes.count >= RML_PLAN_NODES_MAX) {
        return rml_fail(c->err, RML_ERR_LIMIT, rml_place_file(c->file), NULL,
                        "expected at most %d fields with those of nested types, found more",
                        RML_PLAN_NODES_MAX);
    }
    rml_node *node = rml_array_push(&c->plan->nodes, c->err);
    if (node == NULL) {
        return RML_ERR_MEMORY;
    }
    *node = (rml_node){parent, (uint32_t)index};
    *out = (uint32_t)c->plan->nodes.count - 1;
    return RML_OK;
}

static rml_status add_op(compiler *c, rml_op op)
{
    rml_op *place = rml_array_push(&c->plan->ops, c->err);
    if (place == NULL) {
        return RML_ERR_MEMORY;
    }
    *place = op;
    return RML_OK;
}

// A number: joins the run of its kind if the op before is one (never across the start of a body:
// there the op before is a LIST).
static rml_status add_value(compiler *c, rml_wire wire, uint32_t node, rml_str path)
{
    uint32_t *leaf = rml_array_push(&c->plan->leaves, c->err);
    if (leaf == NULL) {
        return RML_ERR_MEMORY;
    }
    *leaf = node;
    size_t count = c->plan->ops.count;
    rml_op *last = count == 0 ? NULL : RML_AT(&c->plan->ops, rml_op, count - 1);
    if (last != NULL && last->kind == RML_OP_VALUES && last->wire == wire) {
        last->count++;
        return RML_OK;
    }
    return add_op(c, (rml_op){.kind = RML_OP_VALUES,
                              .wire = wire,
                              .node = (uint32_t)c->plan->leaves.count - 1,
                              .count = 1,
                              .field = path});
}

static rml_status end_structs(compiler *c, size_t from)
{
    for (size_t i = from; i < c->struct_ends.count; i++) {
        uint32_t node = *RML_AT(&c->struct_ends, uint32_t, i);
        RML_TRY(add_op(c, (rml_op){.kind = RML_OP_STRUCT_END, .node = node}));
    }
    c->struct_ends.count = from;
    return RML_OK;
}

static uint64_t add_capped(uint64_t a, uint64_t b)
{
    return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

static uint64_t multiply_capped(uint64_t a, uint64_t b)
{
    return a != 0 && b > UINT64_MAX / a ? UINT64_MAX : a * b;
}

static rml_status compile_type(compiler *c, const rml_definition_type *type, uint32_t parent,
                               rml_str path, rml_field **fields, size_t *count, uint64_t *least);

// One value (no array) as field `out`, its ops appended.
static rml_status compile_one(compiler *c, const rml_definition_field *f,
                              const rml_definition_type *inside, uint32_t node, rml_str path,
                              rml_field *out, uint64_t *least)
{
    switch (f->wire) {
    case RML_WIRE_NESTED: {
        const rml_definition_type *type = rml_definition_find(c->definition, f->type, inside->name);
        if (type == NULL) {
            return rml_fail(c->err, RML_ERR_DATA, rml_place_file(c->file), NULL,
                            "expected a definition of %.*s (field %.*s), found none",
                            RML_FMT(f->type), RML_FMT(path));
        }
        rml_field *fields;
        out->type = RML_TYPE_STRUCT;
        RML_TRY(compile_type(c, type, node, path, &fields, &out->child_count, least));
        out->children = fields;
        uint32_t *end = rml_array_push(&c->struct_ends, c->err);
        if (end == NULL) {
            return RML_ERR_MEMORY;
        }
        *end = node;
        return RML_OK;
    }
    case RML_WIRE_TIME:
    case RML_WIRE_DURATION:
        out->type = RML_TYPE_I64;
        *least = 8;
        return add_op(c,
                      (rml_op){.kind = RML_OP_TIME, .wire = f->wire, .node = node, .field = path});
    case RML_WIRE_STRING:
    case RML_WIRE_WSTRING:
        out->type = RML_TYPE_STRING;
        *least = 4;
        c->plan->has_wide |= f->wire == RML_WIRE_WSTRING;
        return add_op(c, (rml_op){.kind = f->wire == RML_WIRE_STRING ? RML_OP_TEXT : RML_OP_WIDE,
                                  .node = node,
                                  .bound = f->string_bound,
                                  .field = path});
    default:
        out->type = rml_wires[f->wire].type;
        *least = rml_wires[f->wire].size;
        return add_value(c, f->wire, node, path);
    }
}

// A list of anything that is not a number: a loop.
static rml_status compile_list(compiler *c, const rml_definition_field *f,
                               const rml_definition_type *inside, rml_op op, rml_str path,
                               rml_field *element, uint64_t *least)
{
    size_t at = c->plan->ops.count, ends = c->struct_ends.count;
    uint32_t child;
    op.kind = RML_OP_LIST;
    RML_TRY(add_op(c, op));
    RML_TRY(add_node(c, op.node, 0, &child));
    RML_TRY(compile_one(c, f, inside, child, path, element, least));
    RML_TRY(end_structs(c, ends));
    rml_op *list = RML_AT(&c->plan->ops, rml_op, at);
    list->body_end = (uint32_t)c->plan->ops.count;
    list->least = *least > 0 ? *least : 1;
    return RML_OK;
}

static rml_status compile_field(compiler *c, const rml_definition_field *f,
                                const rml_definition_type *inside, uint32_t node, rml_str path,
                                rml_field *out, uint64_t *least)
{
    if (f->shape == RML_SHAPE_ONE) {
        return compile_one(c, f, inside, node, path, out, least);
    }
    bool fixed = f->shape == RML_SHAPE_FIXED;
    rml_op op = {.wire = f->wire,
                 .node = node,
                 .fixed = fixed ? f->length : RML_PLAN_NONE,
                 .bound = fixed ? RML_PLAN_NONE : f->length,
                 .field = path};
    if (f->wire == RML_WIRE_U8) {
        out->type = RML_TYPE_BINARY;
        op.kind = RML_OP_BINARY;
        *least = fixed ? f->length : 4;
        return add_op(c, op);
    }
    rml_field *element = RML_NEW(&c->plan->arena, rml_field);
    if (element == NULL) {
        return rml_fail_memory(c->err, sizeof(*element));
    }
    *element = (rml_field){.name = RML_STR("element"), .nullable = true};
    out->type = RML_TYPE_LIST;
    out->children = element;
    out->child_count = 1;
    if (f->wire < RML_WIRE_STRING) {
        uint32_t child;
        element->type = rml_wires[f->wire].type;
        op.kind = RML_OP_ARRAY;
        *least = fixed ? multiply_capped(f->length, rml_wires[f->wire].size) : 4;
        RML_TRY(add_node(c, node, 0, &child));
        return add_op(c, op);
    }
    uint64_t element_least = 0;
    RML_TRY(compile_list(c, f, inside, op, path, element, &element_least));
    *least = fixed ? multiply_capped(f->length, element_least) : 4;
    return RML_OK;
}

rml_status rml_plan_unique_name(rml_arena *arena, const rml_field *fields, size_t count,
                                rml_str name, rml_str *out, rml_error *err)
{
    *out = rml_arena_str(arena, name);
    while (out->data != NULL && rml_schema_find((rml_schema){fields, count}, *out) < count) {
        *out = rml_arena_printf(arena, "%.*s_", RML_FMT(*out));
    }
    return out->data == NULL ? rml_fail_memory(err, name.len) : RML_OK;
}

static rml_status compile_type(compiler *c, const rml_definition_type *type, uint32_t parent,
                               rml_str path, rml_field **fields, size_t *count, uint64_t *least)
{
    if (c->depth >= RML_PLAN_DEPTH_MAX) {
        return rml_fail(c->err, RML_ERR_LIMIT, rml_place_file(c->file), NULL,
                        "expected types nested at most %d deep, found more at %.*s",
                        RML_PLAN_DEPTH_MAX, RML_FMT(path));
    }
    c->depth++;
    bool empty = type->fields.count == 0;
    *count = empty ? 1 : type->fields.count;
    *fields = RML_NEW_ARRAY(&c->plan->arena, rml_field, *count);
    if (*fields == NULL) {
        return rml_fail_memory(c->err, *count * sizeof(rml_field));
    }
    *least = 0;
    for (size_t i = 0; i < *count; i++) {
        const rml_definition_field *f =
            empty ? &empty_member : RML_AT(&type->fields, rml_definition_field, i);
        uint32_t node;
        rml_field *out = &(*fields)[i];
        RML_TRY(rml_plan_unique_name(&c->plan->arena, *fields, i, f->name, &out->name, c->err));
        out->nullable = true;
        RML_TRY(add_node(c, parent, i, &node));
        rml_str inner = path.len == 0 ? out->name
                                      : rml_arena_printf(&c->plan->arena, "%.*s.%.*s",
                                                         RML_FMT(path), RML_FMT(out->name));
        if (inner.data == NULL) {
            return rml_fail_memory(c->err, path.len);
        }
        uint64_t field_least = 0;
        RML_TRY(compile_field(c, f, type, node, inner, out, &field_least));
        *least = add_capped(*least, field_least);
    }
    c->depth--;
    return RML_OK;
}

static rml_status compile_message(compiler *c)
{
    rml_message_plan *plan = c->plan;
    const rml_definition_type *type = RML_AT(&c->definition->types, rml_definition_type, 0);
    if (type->fields.count == 0) {
        plan->empty = true;
        return RML_OK;
    }
    const rml_definition_field *first = RML_AT(&type->fields, rml_definition_field, 0);
    plan->has_header = first->shape == RML_SHAPE_ONE && first->wire == RML_WIRE_NESTED &&
                       (rml_str_equal(first->type, RML_STR("std_msgs/Header")) ||
                        rml_str_equal(first->type, RML_STR("Header")));
    rml_field *fields;
    uint64_t least;
    RML_TRY(
        compile_type(c, type, RML_PLAN_NONE, (rml_str){0}, &fields, &plan->schema.count, &least));
    plan->schema.fields = fields;
    return end_structs(c, 0);
}

rml_status rml_plan_compile(rml_message_plan *plan, const rml_definition *definition, rml_str file,
                            rml_error *err)
{
    compiler c = {.plan = plan,
                  .definition = definition,
                  .file = file,
                  .struct_ends = RML_ARRAY(uint32_t),
                  .err = err};
    rml_status st = compile_message(&c);
    rml_array_reset(&c.struct_ends);
    return st ? st : rml_plan_find_blocks(plan, err);
}

void rml_plan_bind(const rml_message_plan *plan, rml_column *columns, rml_column **slots)
{
    const rml_node *nodes = plan->nodes.data;
    for (size_t i = 0; i < plan->nodes.count; i++) {
        rml_node n = nodes[i];
        slots[i] =
            n.parent == RML_PLAN_NONE ? &columns[n.index] : &slots[n.parent]->children[n.index];
    }
}
