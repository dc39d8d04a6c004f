// The order of samples and the loader. The item at a position is a pure function of (version, seed,
// position), so nothing has to be remembered but one number, and any number of readers share one
// stream.
#include <assert.h>
#include <string.h>

#include "roadmill/base/random.h"
#include "roadmill/codec.h"
#include "roadmill/dataset.h"

uint64_t rml_order_at(const rml_hash *version, uint64_t seed, uint64_t count, uint64_t position)
{
    assert(count > 0);
    uint64_t key = seed ^ rml_load_u64(version->bytes);
    uint64_t epoch_key = rml_random_u64(key, rml_load_u64(version->bytes + 8), position / count);
    return rml_permute(epoch_key, count, position % count);
}

void rml_order_add(rml_hash *order, uint64_t item)
{
    uint8_t text[sizeof order->bytes + 8];
    memcpy(text, order->bytes, sizeof order->bytes);
    rml_save_u64(text + sizeof order->bytes, item);
    rml_status st = rml_sha256(text, sizeof text, order);
    assert(st == RML_OK);
    (void)st;
}

typedef struct copy_job {
    const rml_loader *loader;
    const uint64_t *items;
    float *const *tensors;
    size_t sizes[RML_SCENE_TENSORS];
} copy_job;

static uint64_t loader_count(const rml_loader *l)
{
    return l->samples != NULL ? l->sample_count : rml_dataset_count(l->dataset, l->split);
}

static rml_sample_ref loader_item(const rml_loader *l, uint64_t item)
{
    return l->samples != NULL ? l->samples[item] : (rml_sample_ref){l->split, (uint32_t)item};
}

static rml_hash loader_version(const rml_loader *l)
{
    rml_hash version = {{0}};
    bool named = rml_hash_parse(rml_dataset_hash(l->dataset), &version);
    assert(named);
    (void)named;
    return version;
}

rml_sample_ref rml_loader_at(const rml_loader *l, uint64_t position)
{
    rml_hash version = loader_version(l);
    return loader_item(l, rml_order_at(&version, l->seed, loader_count(l), position));
}

static void copy_sample(void *context, size_t tile, size_t worker)
{
    (void)worker;
    const copy_job *job = context;
    const float *from[RML_SCENE_TENSORS];
    const rml_loader *l = job->loader;
    rml_sample_ref ref = loader_item(l, job->items[tile]);
    rml_dataset_sample(l->dataset, ref.split, ref.index, from);
    for (size_t i = 0; i < RML_SCENE_TENSORS; i++) {
        if (job->tensors[i] != NULL) {
            memcpy(job->tensors[i] + tile * job->sizes[i], from[i], job->sizes[i] * sizeof(float));
        }
    }
}

// Items of a batch are named in pieces of this size, so that the loader needs no heap.
#define PIECE 256

void rml_loader_next(rml_loader *l, rml_pool *pool, size_t batch,
                     float *const tensors[RML_SCENE_TENSORS])
{
    uint64_t count = loader_count(l);
    uint64_t readers = l->readers > 0 ? l->readers : 1;
    rml_hash version = loader_version(l);
    assert(count > 0 && l->reader < readers);
    rml_tensor_info info[RML_SCENE_TENSORS];
    rml_scene_layout(rml_dataset_scene_spec(l->dataset), info);
    float *to[RML_SCENE_TENSORS];
    memcpy(to, tensors, sizeof to);
    uint64_t items[PIECE];
    copy_job job = {.loader = l, .items = items, .tensors = to};
    for (size_t i = 0; i < RML_SCENE_TENSORS; i++) {
        job.sizes[i] = 1;
        for (uint32_t axis = 0; axis < info[i].rank; axis++) {
            job.sizes[i] *= info[i].shape[axis];
        }
    }
    while (batch > 0) {
        size_t piece = batch < PIECE ? batch : PIECE;
        for (size_t i = 0; i < piece; i++) {
            // The next position that is this reader's.
            l->position += (l->reader + readers - l->position % readers) % readers;
            items[i] = rml_order_at(&version, l->seed, count, l->position);
            rml_order_add(&l->order, items[i]);
            l->position++;
        }
        rml_pool_run(pool, piece, copy_sample, &job);
        for (size_t i = 0; i < RML_SCENE_TENSORS; i++) {
            to[i] = to[i] != NULL ? to[i] + piece * job.sizes[i] : NULL;
        }
        batch -= piece;
    }
}
