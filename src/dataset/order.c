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
    const rml_tensor_slot *tensors;
    const rml_tensor_info *info;
    size_t count, row[RML_TENSORS_MAX], size[RML_TENSORS_MAX];
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
    const rml_loader *l = job->loader;
    rml_sample_ref ref = loader_item(l, job->items[tile]);
    for (size_t i = 0; i < job->count; i++) {
        const rml_tensor_slot *slot = &job->tensors[i];
        if (slot->data == NULL) {
            continue;
        }
        rml_tensor_view from = rml_dataset_tensor(l->dataset, ref.split, ref.index, i);
        uint8_t *to = (uint8_t *)slot->data + tile * job->size[i];
        size_t size = job->info[i].ragged ? from.rows * job->row[i] : job->size[i];
        memcpy(to, from.data, size);
        if (job->info[i].ragged) {
            memset(to + size, 0, job->size[i] - size);
            slot->rows[tile] = from.rows;
        }
    }
}

// Items of a batch are named in pieces of this size, so that the loader needs no heap.
#define PIECE 256

void rml_loader_next(rml_loader *l, rml_pool *pool, size_t batch, const rml_tensor_slot *tensors)
{
    uint64_t count = loader_count(l);
    uint64_t readers = l->readers > 0 ? l->readers : 1;
    rml_hash version = loader_version(l);
    assert(count > 0 && l->reader < readers);
    uint64_t items[PIECE];
    rml_tensor_slot to[RML_TENSORS_MAX];
    copy_job job = {.loader = l, .items = items, .tensors = to};
    job.count = rml_dataset_tensors(l->dataset, &job.info);
    for (size_t i = 0; i < job.count; i++) {
        bool fits = rml_tensor_info_size(&job.info[i], &job.row[i], &job.size[i]);
        assert(fits); // it was opened
        (void)fits;
        to[i] = tensors[i];
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
        for (size_t i = 0; i < job.count; i++) {
            to[i].data = to[i].data ? (uint8_t *)to[i].data + piece * job.size[i] : NULL;
            to[i].rows = to[i].rows ? to[i].rows + piece : NULL;
        }
        batch -= piece;
    }
}
