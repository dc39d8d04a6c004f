// Blocks of a plan: runs of numbers of 8 bytes that are decoded at once (poses, velocities,
// covariances: most of what robots say).
#include "plan.h"

#define OPS_MIN 2

static bool joins(const rml_op *op)
{
    if (op->kind == RML_OP_STRUCT_END) {
        return true;
    }
    bool array = op->kind == RML_OP_ARRAY && op->fixed != RML_PLAN_NONE && op->fixed > 0;
    return (array || op->kind == RML_OP_VALUES) && rml_wires[op->wire].size == 8;
}

static rml_status add_move(rml_message_plan *plan, rml_move move, rml_error *err)
{
    rml_move *place = rml_array_push(&plan->moves, err);
    if (place == NULL) {
        return RML_ERR_MEMORY;
    }
    *place = move;
    return RML_OK;
}

// The moves of one kind of op among [from, block->end), with their offsets.
static rml_status add_moves(rml_message_plan *plan, uint32_t from, rml_block *block,
                            rml_op_kind kind, uint32_t *count, rml_error *err)
{
    uint64_t at = 0;
    for (uint32_t i = from; i < block->end; i++) {
        const rml_op *op = RML_AT(&plan->ops, rml_op, i);
        uint32_t numbers = op->kind == RML_OP_VALUES  ? op->count
                           : op->kind == RML_OP_ARRAY ? op->fixed
                                                      : 0;
        for (uint32_t k = 0; op->kind == kind && k < (kind == RML_OP_VALUES ? op->count : 1); k++) {
            uint32_t node =
                kind == RML_OP_VALUES ? *RML_AT(&plan->leaves, uint32_t, op->node + k) : op->node;
            RML_TRY(add_move(plan, (rml_move){node, (uint32_t)at + 8 * k, numbers}, err));
            ++*count;
        }
        at += (uint64_t)numbers * 8;
    }
    block->bytes = (uint32_t)at;
    return RML_OK;
}

// Where bodies of lists end: a block lies on one side of it.
static bool *body_ends(rml_message_plan *plan)
{
    bool *ends = rml_arena_make(&plan->arena, plan->ops.count + 1);
    for (size_t i = 0; ends != NULL && i < plan->ops.count; i++) {
        const rml_op *op = RML_AT(&plan->ops, rml_op, i);
        if (op->kind == RML_OP_LIST) {
            ends[op->body_end] = true;
        }
    }
    return ends;
}

rml_status rml_plan_find_blocks(rml_message_plan *plan, rml_error *err)
{
    uint32_t count = (uint32_t)plan->ops.count;
    const bool *ends = body_ends(plan);
    if (ends == NULL) {
        return rml_fail_memory(err, plan->ops.count + 1);
    }
    for (uint32_t i = 0; i < count;) {
        uint64_t bytes = 0;
        uint32_t end = i;
        for (; end < count && joins(RML_AT(&plan->ops, rml_op, end)) && bytes < UINT32_MAX / 2 &&
               (end == i || !ends[end]);
             end++) {
            const rml_op *op = RML_AT(&plan->ops, rml_op, end);
            bytes += op->kind == RML_OP_VALUES  ? (uint64_t)op->count * 8
                     : op->kind == RML_OP_ARRAY ? (uint64_t)op->fixed * 8
                                                : 0;
        }
        rml_op *first = RML_AT(&plan->ops, rml_op, i);
        // A block begins with a number, which aligns it; a large array needs none.
        if (end - i < OPS_MIN || bytes > UINT32_MAX / 2 || first->kind == RML_OP_STRUCT_END) {
            i++;
            continue;
        }
        rml_block block = {.end = end, .first = (uint32_t)plan->moves.count};
        RML_TRY(add_moves(plan, i, &block, RML_OP_VALUES, &block.values, err));
        RML_TRY(add_moves(plan, i, &block, RML_OP_ARRAY, &block.arrays, err));
        RML_TRY(add_moves(plan, i, &block, RML_OP_STRUCT_END, &block.ends, err));
        rml_block *place = rml_array_push(&plan->blocks, err);
        if (place == NULL) {
            return RML_ERR_MEMORY;
        }
        *place = block;
        first->block = (uint32_t)plan->blocks.count;
        i = end;
    }
    return RML_OK;
}
