// The plan: dead code goes, views become pointers, lifetimes are laid out in one block, and each op
// is cut into tiles by its shapes alone.
#include "plan.h"

#include <string.h>

#include "roadmill/base/random.h"
#include "roadmill/math.h"

#define WORKERS_LEAST 8

// What is known of a tensor while the plan is made.
typedef struct place {
    rml_tensor root; // the tensor whose memory it shares
    size_t offset;   // elements from the root's start
    size_t last;     // of a root: the last step that reads it
    bool kept;       // of a root: readable after run
    size_t at;       // of a root: bytes from the start of the values
} place;

typedef struct layout {
    rml_plan *plan;
    const rml_graph *g;
    place *places;
    struct block {
        size_t from, size, last;
    } * blocks; // live, by offset
    size_t block_count;
    size_t end;
} layout;

static size_t count_of(const rml_graph *g, rml_tensor t)
{
    return rml_shape_count(&rml_graph_tensor(g, t)->shape);
}

// First gap that is large enough among the live blocks.
static size_t take(layout *l, size_t size, size_t last)
{
    size_t at = 0, i = 0;
    size = rml_plan_aligned(size);
    while (i < l->block_count && l->blocks[i].from - at < size) {
        at = l->blocks[i].from + l->blocks[i].size;
        i++;
    }
    memmove(l->blocks + i + 1, l->blocks + i, (l->block_count - i) * sizeof *l->blocks);
    l->blocks[i] = (struct block){at, size, last};
    l->block_count++;
    l->end = at + size > l->end ? at + size : l->end;
    return at;
}

static void drop_before(layout *l, size_t step)
{
    size_t kept = 0;
    for (size_t i = 0; i < l->block_count; i++) {
        if (l->blocks[i].last >= step) {
            l->blocks[kept++] = l->blocks[i];
        }
    }
    l->block_count = kept;
}

static rml_tensor root_of(const layout *l, rml_tensor t)
{
    while (l->places[t].root != t) {
        t = l->places[t].root;
    }
    return t;
}

static void call_of(const layout *l, const rml_node_data *n, rml_shape *shapes, rml_call *call)
{
    const rml_graph *g = l->g;
    for (size_t k = 0; k < n->input_count; k++) {
        shapes[k] = n->inputs[k] < 0 ? (rml_shape){0} : rml_graph_tensor(g, n->inputs[k])->shape;
    }
    *call = (rml_call){.op = n->op,
                       .input_count = n->input_count,
                       .shapes = shapes,
                       .shape = rml_graph_tensor(g, n->output)->shape,
                       .attributes = n->attributes,
                       .bf16 = l->plan->bf16};
}

// An op that only sees its input otherwise: no step, a pointer.
static bool make_view(layout *l, const rml_node_data *n, const rml_call *call)
{
    if (!n->op->view) {
        return false;
    }
    size_t from = n->op->view_from(call);
    if (from == SIZE_MAX) {
        return false;
    }
    place *in = &l->places[n->inputs[0]];
    l->places[n->output].root = in->root;
    l->places[n->output].offset = in->offset + from;
    return true;
}

// What a plan is made for.
typedef struct order {
    const rml_tensor *outputs, *sums; // sums: outputs that are taken as they are made (sums.c)
    size_t count, sum_count;
    uint64_t seed;
    rml_pool *pool;
} order;

static bool is_taken(const rml_plan *plan, rml_tensor root)
{
    for (size_t i = 0; i < plan->step_count; i++) {
        const rml_step *step = &plan->steps[i];
        if (step->sum_at != SIZE_MAX && plan->roots[step->output] == root) {
            return true;
        }
    }
    return false;
}

// Outputs can be read behind the last step, those that nobody takes before.
static void keep_outputs(layout *l, const order *o)
{
    for (size_t i = 0; i < o->count; i++) {
        rml_tensor root = o->outputs[i] < 0 ? -1 : root_of(l, o->outputs[i]);
        if (root >= 0 && !is_taken(l->plan, root)) {
            l->places[root].kept = true;
            l->places[root].last = SIZE_MAX;
            l->plan->kept[o->outputs[i]] = true;
        }
    }
}

// Which nodes become steps, and until when each root is read.
static rml_status find_steps(layout *l, const order *o, rml_error *err)
{
    rml_plan *plan = l->plan;
    const rml_graph *g = l->g;
    bool *needed = RML_NEW_ARRAY(&plan->arena, bool, g->nodes.count + 1);
    plan->steps = RML_NEW_ARRAY(&plan->arena, rml_step, g->nodes.count + 1);
    if (needed == NULL || plan->steps == NULL) {
        return rml_fail_memory(err, g->nodes.count * sizeof *plan->steps);
    }
    rml_graph_mark(g, o->outputs, o->count, needed);
    for (size_t i = 0; i < g->nodes.count; i++) {
        const rml_node_data *n = rml_graph_node(g, i);
        if (!needed[i]) {
            continue;
        }
        rml_shape *shapes = RML_NEW_ARRAY(&plan->arena, rml_shape, n->input_count);
        rml_step *step = &plan->steps[plan->step_count];
        if (shapes == NULL) {
            return rml_fail_memory(err, n->input_count * sizeof *shapes);
        }
        call_of(l, n, shapes, &step->call);
        if (make_view(l, n, &step->call)) {
            continue;
        }
        step->node = n;
        step->name = n->op->name;
        step->output = n->output;
        step->plus = step->slope_of = -1;
        step->sum_at = SIZE_MAX;
        plan->step_count++;
    }
    for (size_t i = 0; i < plan->tensor_count; i++) {
        plan->roots[i] = root_of(l, (rml_tensor)i);
    }
    rml_plan_fuse(plan);
    for (size_t i = 0; i < plan->step_count; i++) {
        const rml_step *step = &plan->steps[i];
        for (size_t k = rml_step_first_input(step); k < step->node->input_count; k++) {
            if (step->node->inputs[k] >= 0) {
                l->places[root_of(l, step->node->inputs[k])].last = i;
            }
        }
        if (step->plus >= 0) {
            l->places[root_of(l, step->plus)].last = i;
        }
        l->places[step->output].last = i;
    }
    RML_TRY(rml_plan_list_sums(plan, o->sums, o->sum_count, err));
    keep_outputs(l, o);
    return RML_OK;
}

// An input that dies here and is read only at the element that is written.
static rml_tensor dying_input(const layout *l, const rml_node_data *n, size_t step)
{
    const rml_shape *shape = &rml_graph_tensor(l->g, n->output)->shape;
    for (size_t k = 0; n->op->in_place && k < n->input_count; k++) {
        rml_tensor t = n->inputs[k];
        rml_tensor root = t < 0 ? -1 : root_of(l, t);
        if (root < 0 || rml_graph_tensor(l->g, root)->role != RML_ROLE_VALUE ||
            l->places[root].last != step || l->places[t].offset != 0 ||
            count_of(l->g, root) != rml_shape_count(shape) ||
            !rml_shape_equal(&rml_graph_tensor(l->g, t)->shape, shape)) {
            continue;
        }
        bool alone = true;
        for (size_t other = 0; other < n->input_count; other++) {
            rml_tensor o = n->inputs[other];
            alone = alone && (o < 0 || root_of(l, o) != root ||
                              rml_shape_equal(&rml_graph_tensor(l->g, o)->shape, shape));
        }
        if (alone) {
            return root;
        }
    }
    return -1;
}

static bool packs_near(const rml_step *step)
{
    return step->call.op->phases[0].kernel == RML_KERNEL_PACK &&
           rml_product_packs_near(&step->call);
}

// Offsets of all values, of the work memory of each step and of what it puts beside its output.
static void lay_out(layout *l, size_t *work_at, size_t *side_at)
{
    rml_plan *plan = l->plan;
    for (size_t i = 0; i < plan->step_count; i++) {
        rml_step *step = &plan->steps[i];
        const rml_node_data *n = step->node;
        place *out = &l->places[step->output];
        drop_before(l, i);
        rml_tensor dying = dying_input(l, n, i);
        if (dying >= 0) {
            out->root = dying;
            l->places[dying].last = out->last;
            l->places[dying].kept = out->kept;
            for (size_t b = 0; b < l->block_count; b++) {
                if (l->blocks[b].from == l->places[dying].at) {
                    l->blocks[b].last = out->last;
                }
            }
        } else {
            out->at = take(l, count_of(l->g, step->output) * plan->item, out->last);
        }
        size_t work = n->op->work && !plan->f64 && !packs_near(step) ? n->op->work(&step->call) : 0;
        work_at[i] = work > 0 ? take(l, work, i) : 0;
        side_at[i] = step->side_last > 0
                         ? take(l, count_of(l->g, step->output) * plan->item, step->side_last)
                         : 0;
        size_t scratch = n->op->scratch ? n->op->scratch(&step->call) : 0;
        scratch = plan->f64 ? 2 * scratch : scratch;
        plan->scratch_size = scratch > plan->scratch_size ? scratch : plan->scratch_size;
    }
    plan->values_size = l->end;
}

static uint64_t name_stream(const char *name) // FNV-1a
{
    uint64_t hash = 14695981039346656037u;
    for (; *name; name++) {
        hash = (hash ^ (uint8_t)*name) * 1099511628211u;
    }
    return hash;
}

enum { FILL = 512 };

// Values [first, first + count) of what a tensor starts as.
static void initial_values(const rml_tensor_data *t, uint64_t seed, uint64_t stream, size_t first,
                           size_t count, double values[FILL])
{
    bool zero = t->role == RML_ROLE_INPUT || t->init == RML_INIT_ZERO;
    if (t->role == RML_ROLE_CONSTANT) {
        memcpy(values, t->values + first, count * sizeof *values);
        return;
    }
    if (t->role == RML_ROLE_PARAMETER && t->init == RML_INIT_UNIFORM) {
        rml_random_f64s(seed, stream, first, count, values);
    }
    for (size_t i = 0; i < count; i++) {
        if (zero || t->init == RML_INIT_ONE) {
            values[i] = zero ? 0.0 : 1.0;
        } else if (t->init == RML_INIT_UNIFORM) {
            values[i] = t->scale * (2.0 * values[i] - 1.0);
        } else {
            values[i] = t->scale * rml_random_normal(seed, stream, first + i);
        }
    }
}

// In float64 they are the same numbers as in float32.
static void fill_leaf(rml_plan *plan, rml_tensor t, uint64_t seed)
{
    const rml_tensor_data *tensor = rml_graph_tensor(plan->graph, t);
    size_t count = rml_shape_count(&tensor->shape);
    uint64_t stream = name_stream(tensor->name);
    double values[FILL];
    float rounded[FILL];
    for (size_t first = 0; first < count; first += FILL) {
        size_t part = count - first < FILL ? count - first : FILL;
        initial_values(tensor, seed, stream, first, part, values);
        for (size_t i = 0; i < part; i++) {
            rounded[i] = (float)values[i];
            values[i] = tensor->role == RML_ROLE_CONSTANT ? values[i] : (double)rounded[i];
        }
        const void *from = plan->f64 ? (const void *)values : rounded;
        plan->memory->put((uint8_t *)plan->data[t] + first * plan->item, from, part * plan->item);
    }
}

typedef struct filling {
    rml_plan *plan;
    uint64_t seed;
} filling;

// A tensor that is the plan's own, none of its values.
static void fill_tile(void *context, size_t tile, size_t worker)
{
    (void)worker;
    const filling *f = context;
    rml_tensor_role role = rml_graph_tensor(f->plan->graph, (rml_tensor)tile)->role;
    bool borrowed = role == RML_ROLE_PARAMETER && f->plan->parameters_of != NULL;
    if (role != RML_ROLE_VALUE && !borrowed) {
        fill_leaf(f->plan, (rml_tensor)tile, f->seed);
    }
}

enum { ZERO_BYTES = 1 << 20 };

// The moments are written before they are read: of memory that the system has zeroed a first read
// maps its page of zeros, and each write then has to take that away from all processors.
static void zero_tile(void *context, size_t tile, size_t worker)
{
    (void)worker;
    const rml_plan *plan = context;
    size_t from = tile * ZERO_BYTES, left = plan->moments_size - from;
    plan->memory->zero(plan->moments + from, left < ZERO_BYTES ? left : ZERO_BYTES);
}

static rml_status borrow_parameter(rml_plan *plan, rml_tensor t, rml_error *err)
{
    const rml_plan *from = plan->parameters_of;
    const rml_tensor_data *own = rml_graph_tensor(plan->graph, t);
    rml_tensor twin = rml_graph_find(from->graph, own->name);
    if (twin < 0 || !rml_shape_equal(&own->shape, &rml_graph_tensor(from->graph, twin)->shape)) {
        return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, NULL,
                        "expected the parameter %s with the same shape in the other plan, found "
                        "none",
                        own->name);
    }
    plan->data[t] = from->data[twin];
    plan->kept[t] = true;
    return RML_OK;
}

// Inputs, parameters and constants; two moments for each parameter where there is a gradient.
static rml_status make_leaves(rml_plan *plan, uint64_t seed, rml_pool *pool, rml_error *err)
{
    const rml_graph *g = plan->graph;
    size_t moments = 0;
    for (size_t pass = 0; pass < 2; pass++) {
        size_t at = 0;
        for (size_t i = 0; i < plan->tensor_count; i++) {
            const rml_tensor_data *t = rml_graph_tensor(g, (rml_tensor)i);
            size_t size = rml_plan_aligned(rml_shape_count(&t->shape) * plan->item);
            if (t->role == RML_ROLE_VALUE) {
                continue;
            }
            if (t->role == RML_ROLE_PARAMETER && plan->parameters_of != NULL) {
                RML_TRY(borrow_parameter(plan, (rml_tensor)i, err));
                continue;
            }
            if (pass == 0 && t->role == RML_ROLE_PARAMETER && g->has_gradient) {
                moments += 2 * size;
                plan->norm_count += rml_ceil(rml_shape_count(&t->shape), RML_NORM_BLOCK);
            } else if (pass == 1) {
                plan->data[i] = plan->leaves + at;
                plan->kept[i] = true;
            }
            at += size;
        }
        plan->leaves_size = at;
        if (pass == 0) {
            RML_TRY(rml_plan_take(plan, &plan->leaves, at, err));
        }
    }
    rml_pool_run(pool, plan->tensor_count, fill_tile, &(filling){plan, seed});
    plan->moments_size = moments;
    if (moments > 0) {
        plan->norms = RML_NEW_ARRAY(&plan->arena, double, plan->norm_count);
        RML_TRY(rml_plan_take(plan, &plan->moments, moments, err));
        rml_pool_run(pool, rml_ceil(moments, ZERO_BYTES), zero_tile, plan);
    }
    size_t at = 0;
    for (size_t i = 0; i < plan->tensor_count && moments > 0; i++) {
        const rml_tensor_data *t = rml_graph_tensor(g, (rml_tensor)i);
        for (int m = 0; m < 2 && t->role == RML_ROLE_PARAMETER; m++) {
            plan->moment[m][i] = plan->moments + at;
            at += rml_plan_aligned(rml_shape_count(&t->shape) * plan->item);
        }
    }
    return plan->norm_count > 0 && plan->norms == NULL ? rml_fail_memory(err, plan->norm_count)
                                                       : RML_OK;
}

static rml_kernel_id kernel_of(const rml_step *step, int phase)
{
    return phase == 0 && step->fused != RML_KERNEL_NONE ? step->fused
                                                        : step->node->op->phases[phase].kernel;
}

// Pointers of all values, then of all calls.
static rml_status point(layout *l, const size_t *work_at, const size_t *side_at, rml_error *err)
{
    rml_plan *plan = l->plan;
    for (size_t i = 0; i < plan->tensor_count; i++) {
        rml_tensor root = plan->roots[i] = root_of(l, (rml_tensor)i);
        bool value = rml_graph_tensor(l->g, root)->role == RML_ROLE_VALUE;
        uint8_t *base = value ? plan->values + l->places[root].at : plan->data[root];
        plan->data[i] = base + l->places[i].offset * plan->item;
    }
    for (size_t i = 0; i < plan->step_count; i++) {
        rml_step *step = &plan->steps[i];
        const rml_node_data *n = step->node;
        void **in = RML_NEW_ARRAY(&plan->arena, void *, n->input_count);
        if (in == NULL) {
            return rml_fail_memory(err, n->input_count * sizeof *in);
        }
        for (size_t k = 0; k < n->input_count; k++) {
            in[k] = n->inputs[k] < 0 ? NULL : plan->data[n->inputs[k]];
        }
        void *slope = step->side_from > 0 ? plan->values + side_at[step->side_from - 1] : NULL;
        if (rml_step_first_input(step) > 0) {
            in[0] = slope;
        }
        step->call.times = step->slope_of >= 0 ? slope : NULL;
        step->call.in = in;
        step->call.side = step->side_last > 0 ? plan->values + side_at[i] : NULL;
        step->call.out = plan->data[step->output];
        step->call.plus = step->plus >= 0 ? plan->data[step->plus] : NULL;
        bool near = packs_near(step);
        step->first_phase = near ? 1 : 0;
        step->call.work = near ? NULL : plan->values + work_at[i];
        step->call.scratch = plan->scratch;
        step->call.scratch_size = plan->scratch_size;
        for (int phase = 0; phase < 2 && !plan->f64; phase++) {
            rml_kernel_id id = kernel_of(step, phase);
            step->kernel[phase] = plan->variant->kernels[id];
            step->tiles[phase] =
                id == RML_KERNEL_NONE ? 0 : n->op->phases[phase].tiles(&step->call);
        }
    }
    return RML_OK;
}

static void choose_variant(rml_plan *plan, const rml_plan_options *options)
{
    unsigned cpu = rml_cpu_features();
    if (options != NULL && options->cpu != 0) {
        cpu &= options->cpu;
    }
    if (options != NULL && options->scalar) {
        cpu = 0;
    }
    for (size_t i = 0; i < rml_variant_count; i++) {
        if ((rml_variants[i]->needs & ~cpu) == 0) {
            plan->variant = rml_variants[i];
        }
    }
    if (options != NULL && options->backend != NULL) {
        plan->variant = options->backend;
    }
    plan->memory = plan->variant->memory != NULL ? plan->variant->memory : &rml_memory_host;
}

// float64 runs references, in host memory; and a plan reads the memory that its parameters lie in.
static rml_status check_memory(const rml_plan *plan, rml_error *err)
{
    const rml_plan *from = plan->parameters_of;
    if (plan->f64 && plan->memory != &rml_memory_host) {
        return rml_fail(
            err, RML_ERR_UNSUPPORTED, (rml_place){0},
            "run float64 without a backend, on this machine's processor",
            "expected float32 or bfloat16 in the memory of backend \"%s\", found float64",
            plan->variant->name);
    }
    if (from != NULL && (from->memory != plan->memory || from->item != plan->item)) {
        return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0},
                        "make both plans with the same backend and precision",
                        "expected parameters of %zu bytes in the memory of \"%s\", found %zu bytes "
                        "in that of \"%s\"",
                        plan->item, plan->variant->name, from->item, from->variant->name);
    }
    return RML_OK;
}

static rml_status build(rml_plan *plan, const order *o, rml_error *err)
{
    const rml_graph *g = plan->graph;
    rml_arena *arena = &plan->arena;
    layout l = {.plan = plan, .g = g};
    plan->tensor_count = g->tensors.count;
    plan->data = RML_NEW_ARRAY(arena, void *, g->tensors.count + 1);
    plan->kept = RML_NEW_ARRAY(arena, bool, g->tensors.count + 1);
    plan->roots = RML_NEW_ARRAY(arena, rml_tensor, g->tensors.count + 1);
    plan->moment[0] = RML_NEW_ARRAY(arena, void *, g->tensors.count + 1);
    plan->moment[1] = RML_NEW_ARRAY(arena, void *, g->tensors.count + 1);
    l.places = RML_NEW_ARRAY(arena, place, g->tensors.count + 1);
    l.blocks = RML_NEW_ARRAY(arena, struct block, 3 * g->nodes.count + 2);
    size_t *work_at = RML_NEW_ARRAY(arena, size_t, g->nodes.count + 1);
    size_t *side_at = RML_NEW_ARRAY(arena, size_t, g->nodes.count + 1);
    if (!plan->data || !plan->kept || !plan->roots || !plan->moment[0] || !plan->moment[1] ||
        !l.places || !l.blocks || !work_at || !side_at) {
        return rml_fail_memory(err, g->tensors.count * sizeof *l.places);
    }
    plan->outputs = RML_NEW_ARRAY(arena, rml_tensor, o->count + 1);
    if (plan->outputs == NULL) {
        return rml_fail_memory(err, o->count * sizeof *plan->outputs);
    }
    for (size_t i = 0; i < o->count; i++) {
        plan->outputs[plan->output_count++] = o->outputs[i];
    }
    for (size_t i = 0; i < g->tensors.count; i++) {
        l.places[i].root = (rml_tensor)i;
    }
    RML_TRY(find_steps(&l, o, err));
    lay_out(&l, work_at, side_at);
    plan->workers = rml_thread_count();
    plan->workers = plan->workers < WORKERS_LEAST ? WORKERS_LEAST : plan->workers;
    plan->scratch_size = rml_plan_aligned(plan->scratch_size);
    RML_TRY(rml_plan_take(plan, &plan->values, plan->values_size, err));
    RML_TRY(rml_plan_take(plan, &plan->scratch, plan->scratch_size * plan->workers, err));
    RML_TRY(make_leaves(plan, o->seed, o->pool, err));
    RML_TRY(point(&l, work_at, side_at, err));
    return plan->f64 ? RML_OK : rml_flow_make(plan, err);
}

static rml_status build_or_free(rml_plan *plan, const order *o, rml_plan **out, rml_error *err)
{
    rml_status st = check_memory(plan, err);
    st = st ? st : build(plan, o, err);
    if (st != RML_OK) {
        rml_plan_free(plan);
        return st;
    }
    *out = plan;
    return RML_OK;
}

rml_status rml_plan_make(const rml_graph *g, const rml_tensor *outputs, size_t count, uint64_t seed,
                         const rml_plan_options *options, rml_plan **out, rml_error *err)
{
    *out = NULL;
    RML_TRY(rml_graph_status(g, err));
    rml_plan *plan = rml_heap_make(sizeof *plan);
    if (plan == NULL) {
        return rml_fail_memory(err, sizeof *plan);
    }
    plan->graph = g;
    plan->parameters_of = options != NULL ? options->parameters_of : NULL;
    plan->f64 = options != NULL && options->precision == RML_F64;
    plan->bf16 = options != NULL && options->precision == RML_BF16;
    plan->item = plan->f64 ? sizeof(double) : sizeof(float);
    choose_variant(plan, options);
    order o = {.outputs = outputs, .count = count, .seed = seed};
    o.pool = options != NULL ? options->pool : NULL;
    return build_or_free(plan, &o, out, err);
}

rml_status rml_plan_make_leaf(const rml_plan *like, const rml_tensor *sums, size_t count,
                              rml_plan **out, rml_error *err)
{
    *out = NULL;
    rml_plan *plan = rml_heap_make(sizeof *plan);
    if (plan == NULL) {
        return rml_fail_memory(err, sizeof *plan);
    }
    plan->graph = like->graph;
    plan->parameters_of = like;
    plan->bf16 = like->bf16;
    plan->item = like->item;
    plan->variant = like->variant;
    plan->memory = like->memory;
    order o = {
        .outputs = like->outputs, .count = like->output_count, .sums = sums, .sum_count = count};
    return build_or_free(plan, &o, out, err);
}

void rml_plan_free(rml_plan *plan)
{
    if (plan == NULL) {
        return;
    }
    plan->memory->give(plan->values);
    plan->memory->give(plan->leaves);
    plan->memory->give(plan->moments);
    plan->memory->give(plan->scratch);
    plan->memory->give(plan->frozen);
    rml_flow_free(plan->flow);
    rml_arena_reset(&plan->arena);
    rml_heap_free(plan);
}

size_t rml_plan_elements(const rml_plan *plan, rml_tensor t)
{
    return rml_shape_count(&rml_graph_tensor(plan->graph, t)->shape);
}

size_t rml_plan_bytes(const rml_plan *plan)
{
    return plan->values_size + plan->leaves_size + plan->moments_size + plan->frozen_size +
           plan->scratch_size * plan->workers;
}
