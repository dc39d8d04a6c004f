// mine: what a mined batch is worth, against random batches of the same size at equal budget.
#ifndef ROADMILL_MINE_GAIN_H
#define ROADMILL_MINE_GAIN_H

#include "roadmill/mine.h"
#include "roadmill/os.h"
#include "roadmill/train.h"

#ifdef __cplusplus
extern "C" {
#endif

// What a batch of scenes was worth: models trained with it against models trained with a random
// batch of the same size, on the validation split, over seeds.
typedef struct rml_gain {
    double estimate, low, high; // relative change of the task's compared metric; below 0 is better
    size_t families, samples;
    uint32_t seeds;
    uint32_t false_alarms; // seeds whose own interval claims a gain
} rml_gain;
typedef struct rml_gain_report {
    rml_gain mined, control;                     // control: the same selection on shuffled scores
    double base_m, random_m, mined_m, control_m; // its mean
    size_t budget, train_before;
} rml_gain_report;
// compare: the small trainings; mine: how a batch is chosen; pool: seeds run side by side in it.
typedef struct rml_gain_setup {
    rml_train_config compare;
    rml_mine_options mine;
    uint32_t seeds;
    rml_pool *pool;               // borrowed; NULL: the caller alone
    const rml_progress *progress; // borrowed; NULL: none
} rml_gain_setup;
RML_API rml_status rml_gain_measure(const rml_gain_setup *setup, const rml_dataset *d,
                                    rml_arena *arena, rml_gain_report *out, rml_error *err)
    RML_CHECKED;
// The scores of the dev split by a model, and the batch that they give.
typedef struct rml_batch_picks {
    rml_mine_pick *picks;
    size_t count;
} rml_batch_picks;
typedef enum rml_batch_arm { RML_ARM_MINED, RML_ARM_RANDOM, RML_ARM_SHUFFLED } rml_batch_arm;
RML_API rml_status rml_batch_choose(rml_runner *model, const rml_dataset *d, rml_batch_arm arm,
                                    const rml_mine_options *wanted, uint64_t seed, rml_arena *arena,
                                    rml_batch_picks *out, rml_error *err) RML_CHECKED;

#ifdef __cplusplus
}
#endif
#endif
