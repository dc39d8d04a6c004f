// Workers that run numbered tiles. A run is published under a mutex; tiles are taken by an atomic
// counter; the caller works too, so a pool of n threads has n - 1 workers.
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "roadmill/os.h"

#define THREADS_MAX 1024
// How often an idle worker looks for the next run before it sleeps, some hundred microseconds in
// all: a step of training has hundreds of runs, and what its caller does alone between two of them
// may take as long. Where there are more threads than processors it leaves its place sooner.
#define SPINS 6000
#define SPINS_CROWDED 100

typedef struct rml_pool_run_state {
    void (*work)(void *context, size_t tile, size_t worker);
    void *context;
    size_t tiles;
} rml_pool_run_state;

struct rml_pool {
    size_t threads; // with the caller
    int spins;
    pthread_t *workers;
    size_t started;
    pthread_mutex_t lock;
    pthread_cond_t wake, done;
    rml_pool_run_state run;
    atomic_size_t next;      // tile to take
    atomic_ulong generation; // of the run that was published last
    atomic_size_t busy;      // workers still inside it
    bool stop;
};

typedef struct rml_pool_worker {
    rml_pool *pool;
    size_t index;
} rml_pool_worker;

// Lets the other thread of a core work meanwhile.
static void relax(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

void rml_relax(size_t turn)
{
    if (turn < SPINS_CROWDED) {
        relax();
    } else {
        sched_yield();
    }
}

static void take_tiles(rml_pool *pool, size_t worker)
{
    for (;;) {
        size_t tile = atomic_fetch_add_explicit(&pool->next, 1, memory_order_relaxed);
        if (tile >= pool->run.tiles) {
            return;
        }
        pool->run.work(pool->run.context, tile, worker);
    }
}

static void wait_for_run(rml_pool *pool, unsigned long seen)
{
    for (int i = 0; i < pool->spins; i++) {
        if (atomic_load_explicit(&pool->generation, memory_order_acquire) != seen) {
            return;
        }
        relax();
    }
    pthread_mutex_lock(&pool->lock);
    while (atomic_load_explicit(&pool->generation, memory_order_acquire) == seen) {
        pthread_cond_wait(&pool->wake, &pool->lock);
    }
    pthread_mutex_unlock(&pool->lock);
}

static void *worker_main(void *argument)
{
    rml_pool_worker self = *(rml_pool_worker *)argument;
    rml_heap_free(argument);
    rml_pool *pool = self.pool;
    unsigned long seen = 0;
    for (;;) {
        wait_for_run(pool, seen);
        seen = atomic_load_explicit(&pool->generation, memory_order_acquire);
        if (pool->stop) {
            return NULL;
        }
        take_tiles(pool, self.index);
        if (atomic_fetch_sub_explicit(&pool->busy, 1, memory_order_acq_rel) == 1) {
            pthread_mutex_lock(&pool->lock);
            pthread_cond_signal(&pool->done);
            pthread_mutex_unlock(&pool->lock);
        }
    }
}

static void publish(rml_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    atomic_store_explicit(&pool->busy, pool->started, memory_order_relaxed);
    atomic_store_explicit(&pool->next, 0, memory_order_relaxed);
    atomic_fetch_add_explicit(&pool->generation, 1, memory_order_release);
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->lock);
}

rml_status rml_pool_make(size_t threads, rml_pool **out, rml_error *err)
{
    *out = NULL;
    if (threads == 0 || threads > THREADS_MAX) {
        return rml_fail(err, RML_ERR_ARGUMENT, (rml_place){0}, "set ROADMILL_THREADS",
                        "expected 1 to %d threads, found %zu", THREADS_MAX, threads);
    }
    rml_pool *pool = rml_heap_make(sizeof *pool);
    pthread_t *workers = rml_heap_make(threads * sizeof *workers);
    if (pool == NULL || workers == NULL) {
        rml_heap_free(pool);
        rml_heap_free(workers);
        return rml_fail_memory(err, threads * sizeof *workers);
    }
    pool->threads = threads;
    pool->spins = threads <= rml_processor_count() ? SPINS : SPINS_CROWDED;
    pool->workers = workers;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->wake, NULL);
    pthread_cond_init(&pool->done, NULL);
    for (size_t i = 1; i < threads; i++) {
        rml_pool_worker *argument = rml_heap_make(sizeof *argument);
        if (argument == NULL) {
            rml_pool_free(pool);
            return rml_fail_memory(err, sizeof *argument);
        }
        *argument = (rml_pool_worker){pool, i};
        if (pthread_create(&pool->workers[i - 1], NULL, worker_main, argument) != 0) {
            rml_heap_free(argument);
            rml_pool_free(pool);
            return rml_fail(err, RML_ERR_IO, (rml_place){0}, "set ROADMILL_THREADS lower",
                            "expected to start %zu threads, the system gave %zu", threads, i);
        }
        pool->started = i;
    }
    *out = pool;
    return RML_OK;
}

void rml_pool_free(rml_pool *pool)
{
    if (pool == NULL) {
        return;
    }
    pool->stop = true;
    publish(pool);
    for (size_t i = 0; i < pool->started; i++) {
        pthread_join(pool->workers[i], NULL);
    }
    pthread_mutex_destroy(&pool->lock);
    pthread_cond_destroy(&pool->wake);
    pthread_cond_destroy(&pool->done);
    rml_heap_free(pool->workers);
    rml_heap_free(pool);
}

size_t rml_pool_threads(const rml_pool *pool)
{
    return pool == NULL ? 1 : pool->threads;
}

void rml_pool_run(rml_pool *pool, size_t tiles,
                  void (*work)(void *context, size_t tile, size_t worker), void *context)
{
    if (pool == NULL || pool->started == 0 || tiles <= 1) {
        for (size_t tile = 0; tile < tiles; tile++) {
            work(context, tile, 0);
        }
        return;
    }
    pool->run = (rml_pool_run_state){work, context, tiles};
    publish(pool);
    take_tiles(pool, 0);
    for (int i = 0; i < pool->spins; i++) {
        if (atomic_load_explicit(&pool->busy, memory_order_acquire) == 0) {
            return;
        }
        relax();
    }
    pthread_mutex_lock(&pool->lock);
    while (atomic_load_explicit(&pool->busy, memory_order_acquire) != 0) {
        pthread_cond_wait(&pool->done, &pool->lock);
    }
    pthread_mutex_unlock(&pool->lock);
}
