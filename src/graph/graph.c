// Graphs: tensors and nodes are appended, never changed. The first fault sticks.
#include "roadmill/graph.h"

#include <string.h>

#include "graph.h"

#define TENSORS_MAX 1000000u
#define ELEMENTS_MAX ((size_t)1 << 31)

rml_status rml_graph_make(rml_graph **out, rml_error *err)
{
    rml_graph *g = rml_heap_make(sizeof *g);
    *out = g;
    if (g == NULL) {
        return rml_fail_memory(err, sizeof *g);
    }
    g->tensors = RML_ARRAY(rml_tensor_data);
    g->nodes = RML_ARRAY(rml_node_data);
    g->parameters = RML_ARRAY(rml_tensor);
    return RML_OK;
}

void rml_graph_free(rml_graph *g)
{
    if (g == NULL) {
        return;
    }
    rml_arena_reset(&g->arena);
    rml_array_reset(&g->tensors);
    rml_array_reset(&g->nodes);
    rml_array_reset(&g->parameters);
    rml_map_reset(&g->names);
    rml_heap_free(g);
}

rml_status rml_graph_status(const rml_graph *g, rml_error *err)
{
    if (err != NULL && g->status != RML_OK) {
        *err = g->error;
    }
    return g->status;
}

rml_tensor rml_graph_refuse(rml_graph *g, const char *op, const char *what)
{
    if (g->status == RML_OK) {
        g->status =
            rml_fail(&g->error, RML_ERR_ARGUMENT, (rml_place){0}, NULL, "op %s: %s", op, what);
    }
    return -1;
}

static rml_tensor refuse_memory(rml_graph *g)
{
    if (g->status == RML_OK) {
        g->status = rml_fail_memory(&g->error, 0);
    }
    return -1;
}

bool rml_shape_equal(const rml_shape *a, const rml_shape *b)
{
    return a->rank == b->rank && memcmp(a->size, b->size, a->rank * sizeof *a->size) == 0;
}

static bool shape_fits(const rml_shape *shape)
{
    size_t count = 1;
    if (shape->rank > RML_RANK_MAX) {
        return false;
    }
    for (uint32_t i = 0; i < shape->rank; i++) {
        if (shape->size[i] == 0 || !rml_size_mul(count, shape->size[i], &count) ||
            count > ELEMENTS_MAX) {
            return false;
        }
    }
    return true;
}

// role, shape and name are checked here; unused sizes become zero so that shapes compare.
static rml_tensor add_tensor(rml_graph *g, rml_tensor_data data)
{
    if (g->status != RML_OK) {
        return -1;
    }
    if (!shape_fits(&data.shape) || g->tensors.count >= TENSORS_MAX) {
        return rml_graph_refuse(g, data.name[0] ? data.name : "tensor",
                                "expected at most 5 axes, none empty, and 2^31 elements");
    }
    for (uint32_t i = data.shape.rank; i < RML_RANK_MAX; i++) {
        data.shape.size[i] = 0;
    }
    if (data.name[0] != '\0') {
        rml_str name = rml_arena_str(&g->arena, rml_str_of(data.name));
        if (rml_map_get(&g->names, name, NULL)) {
            return rml_graph_refuse(g, data.name, "expected a name that is not taken");
        }
        if (name.data == NULL ||
            rml_map_put(&g->names, name, g->tensors.count, &g->error) != RML_OK) {
            return refuse_memory(g);
        }
        data.name = name.data;
    }
    rml_tensor_data *tensor = rml_array_push(&g->tensors, NULL);
    if (tensor == NULL) {
        return refuse_memory(g);
    }
    *tensor = data;
    return (rml_tensor)(g->tensors.count - 1);
}

rml_tensor rml_graph_input(rml_graph *g, const char *name, rml_shape shape)
{
    return add_tensor(
        g, (rml_tensor_data){.name = name, .shape = shape, .role = RML_ROLE_INPUT, .node = -1});
}

rml_tensor rml_graph_parameter(rml_graph *g, const char *name, rml_shape shape, rml_init init,
                               double scale)
{
    rml_tensor t = add_tensor(g, (rml_tensor_data){.name = name,
                                                   .shape = shape,
                                                   .role = RML_ROLE_PARAMETER,
                                                   .init = init,
                                                   .scale = scale,
                                                   .node = -1});
    if (t >= 0) {
        rml_tensor *item = rml_array_push(&g->parameters, NULL);
        if (item == NULL) {
            return refuse_memory(g);
        }
        *item = t;
    }
    return t;
}

rml_tensor rml_graph_constant(rml_graph *g, const char *name, rml_shape shape, const double *values)
{
    rml_tensor t = add_tensor(
        g, (rml_tensor_data){.name = name, .shape = shape, .role = RML_ROLE_CONSTANT, .node = -1});
    if (t < 0) {
        return t;
    }
    size_t count = rml_shape_count(&shape);
    double *copy = RML_NEW_ARRAY(&g->arena, double, count);
    if (copy == NULL) {
        return refuse_memory(g);
    }
    memcpy(copy, values, count * sizeof *copy);
    RML_AT(&g->tensors, rml_tensor_data, (size_t)t)->values = copy;
    return t;
}

void rml_shape_text(const rml_shape *shape, char text[RML_SHAPE_TEXT])
{
    static const char scalar[] = "scalar";
    size_t len = 0;
    memcpy(text, scalar, sizeof scalar);
    for (uint32_t i = 0; i < shape->rank; i++) {
        char digits[RML_F64_TEXT];
        size_t n = rml_format_f64(shape->size[i], digits);
        if (i > 0) {
            text[len++] = 'x';
        }
        memcpy(text + len, digits, n + 1);
        len += n;
    }
}

static rml_tensor refuse_shapes(rml_graph *g, const rml_op *op, const char *what,
                                const rml_shape *shapes, size_t count)
{
    char found[RML_OP_INPUTS_MAX * (RML_SHAPE_TEXT + 2)] = "";
    size_t len = 0;
    for (size_t i = 0; i < count; i++) {
        memcpy(found + len, ", ", 2);
        len += i > 0 ? 2 : 0;
        rml_shape_text(&shapes[i], found + len);
        len += strlen(found + len);
    }
    g->status = rml_fail(&g->error, RML_ERR_ARGUMENT, (rml_place){0}, NULL, "op %s: %s, found %s",
                         op->name, what, found);
    return -1;
}

rml_tensor rml_graph_append(rml_graph *g, const rml_op *op, const rml_tensor *inputs, size_t count,
                            const double *attributes, size_t attribute_count)
{
    if (g->status != RML_OK) {
        return -1;
    }
    if (count > RML_OP_INPUTS_MAX || count < op->inputs_min) {
        return rml_graph_refuse(g, op->name, "expected another number of inputs");
    }
    rml_shape shapes[RML_OP_INPUTS_MAX] = {0};
    for (size_t i = 0; i < count; i++) {
        bool there = inputs[i] >= 0 && (size_t)inputs[i] < g->tensors.count;
        if (!there && (i < op->inputs_min || inputs[i] != -1)) {
            return rml_graph_refuse(g, op->name, "expected tensors of this graph as inputs");
        }
        shapes[i] = there ? rml_graph_tensor(g, inputs[i])->shape : (rml_shape){0};
    }
    rml_shape out = {0};
    const char *what = op->shape(shapes, count, attributes, &out);
    if (what != NULL) {
        return refuse_shapes(g, op, what, shapes, count);
    }
    rml_tensor t = add_tensor(
        g, (rml_tensor_data){
               .name = "", .shape = out, .role = RML_ROLE_VALUE, .node = (int32_t)g->nodes.count});
    rml_tensor *own = RML_NEW_ARRAY(&g->arena, rml_tensor, count);
    double *numbers = RML_NEW_ARRAY(&g->arena, double, attribute_count + 1);
    rml_node_data *node = rml_array_push(&g->nodes, NULL);
    if (t < 0 || own == NULL || numbers == NULL || node == NULL) {
        return refuse_memory(g);
    }
    memcpy(own, inputs, count * sizeof *own);
    if (attribute_count > 0) {
        memcpy(numbers, attributes, attribute_count * sizeof *numbers);
    }
    *node = (rml_node_data){op, t, own, count, numbers, attribute_count};
    return t;
}

rml_shape rml_graph_shape(const rml_graph *g, rml_tensor t)
{
    return t < 0 || (size_t)t >= g->tensors.count ? (rml_shape){0} : rml_graph_tensor(g, t)->shape;
}

const char *rml_graph_name(const rml_graph *g, rml_tensor t)
{
    return t < 0 || (size_t)t >= g->tensors.count ? "" : rml_graph_tensor(g, t)->name;
}

rml_tensor rml_graph_find(const rml_graph *g, const char *name)
{
    uint64_t index;
    return rml_map_get(&g->names, rml_str_of(name), &index) ? (rml_tensor)index : -1;
}

size_t rml_graph_parameters(const rml_graph *g, const rml_tensor **out)
{
    *out = g->parameters.data;
    return g->parameters.count;
}

rml_tensor_role rml_graph_role(const rml_graph *g, rml_tensor t)
{
    return rml_graph_tensor(g, t)->role;
}

const double *rml_graph_constant_values(const rml_graph *g, rml_tensor t)
{
    return rml_graph_tensor(g, t)->values;
}

void rml_graph_mark(const rml_graph *g, const rml_tensor *outputs, size_t count, bool *needed)
{
    for (size_t i = 0; i < count; i++) {
        int32_t node = outputs[i] < 0 ? -1 : rml_graph_tensor(g, outputs[i])->node;
        if (node >= 0) {
            needed[node] = true;
        }
    }
    for (size_t i = g->nodes.count; i-- > 0;) {
        const rml_node_data *n = rml_graph_node(g, i);
        for (size_t k = 0; needed[i] && k < n->input_count; k++) {
            int32_t node = n->inputs[k] < 0 ? -1 : rml_graph_tensor(g, n->inputs[k])->node;
            if (node >= 0) {
                needed[node] = true;
            }
        }
    }
}

rml_status rml_graph_nodes(const rml_graph *g, const rml_tensor *outputs, size_t count,
                           rml_arena *arena, rml_array *nodes, rml_error *err)
{
    bool *needed = RML_NEW_ARRAY(arena, bool, g->nodes.count + 1);
    if (needed == NULL) {
        return rml_fail_memory(err, g->nodes.count);
    }
    rml_graph_mark(g, outputs, count, needed);
    *nodes = RML_ARRAY(rml_node);
    for (size_t i = 0; i < g->nodes.count; i++) {
        const rml_node_data *n = rml_graph_node(g, i);
        if (!needed[i]) {
            continue;
        }
        rml_node *node = rml_array_push(nodes, err);
        if (node == NULL) {
            rml_array_reset(nodes);
            return RML_ERR_MEMORY;
        }
        *node = (rml_node){n->op->name,    n->output,     n->inputs,
                           n->input_count, n->attributes, n->attribute_count};
    }
    return RML_OK;
}
