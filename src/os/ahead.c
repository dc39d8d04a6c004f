// Numbered tasks done ahead of a reader that takes them in order. Workers and the waiting reader
// take the next task that is offered, so a reader that waits works too.
#include <pthread.h>

#include "roadmill/os.h"

struct rml_ahead {
    void (*work)(void *context, uint64_t task);
    void *context;
    size_t depth;
    pthread_t *workers;
    size_t started;
    pthread_mutex_t lock;
    pthread_cond_t offer, done;
    uint64_t offered, begun; // tasks below are offered, begun
    bool *finished;          // [depth], by task % depth
    bool stop;
};

// Runs the next task; called and returns under the lock.
static void run_next(rml_ahead *a)
{
    uint64_t task = a->begun++;
    pthread_mutex_unlock(&a->lock);
    a->work(a->context, task);
    pthread_mutex_lock(&a->lock);
    a->finished[task % a->depth] = true;
    pthread_cond_broadcast(&a->done);
}

static void *worker(void *argument)
{
    rml_ahead *a = argument;
    pthread_mutex_lock(&a->lock);
    while (!a->stop) {
        if (a->begun < a->offered) {
            run_next(a);
        } else {
            pthread_cond_wait(&a->offer, &a->lock);
        }
    }
    pthread_mutex_unlock(&a->lock);
    return NULL;
}

rml_status rml_ahead_make(size_t threads, size_t depth, void (*work)(void *context, uint64_t task),
                          void *context, rml_ahead **out, rml_error *err)
{
    rml_ahead *a = rml_heap_make(sizeof(*a));
    if (a == NULL) {
        return rml_fail_memory(err, sizeof(*a));
    }
    *a = (rml_ahead){.work = work, .context = context, .depth = depth};
    pthread_mutex_init(&a->lock, NULL);
    pthread_cond_init(&a->offer, NULL);
    pthread_cond_init(&a->done, NULL);
    a->finished = rml_heap_make(depth * sizeof(*a->finished));
    a->workers = rml_heap_make((threads + 1) * sizeof(*a->workers));
    if (a->finished == NULL || a->workers == NULL) {
        rml_ahead_free(a);
        return rml_fail_memory(err, depth + threads * sizeof(*a->workers));
    }
    // A thread that cannot be had leaves its work to the others and to the reader.
    while (a->started < threads && pthread_create(&a->workers[a->started], NULL, worker, a) == 0) {
        a->started++;
    }
    *out = a;
    return RML_OK;
}

void rml_ahead_offer(rml_ahead *a)
{
    pthread_mutex_lock(&a->lock);
    a->finished[a->offered++ % a->depth] = false;
    pthread_cond_signal(&a->offer);
    pthread_mutex_unlock(&a->lock);
}

void rml_ahead_wait(rml_ahead *a, uint64_t task)
{
    pthread_mutex_lock(&a->lock);
    while (!a->finished[task % a->depth]) {
        if (a->begun < a->offered) {
            run_next(a);
        } else {
            pthread_cond_wait(&a->done, &a->lock);
        }
    }
    pthread_mutex_unlock(&a->lock);
}

void rml_ahead_free(rml_ahead *a)
{
    if (a == NULL) {
        return;
    }
    pthread_mutex_lock(&a->lock);
    a->stop = true;
    pthread_cond_broadcast(&a->offer);
    pthread_mutex_unlock(&a->lock);
    for (size_t i = 0; i < a->started; i++) {
        pthread_join(a->workers[i], NULL);
    }
    pthread_cond_destroy(&a->offer);
    pthread_cond_destroy(&a->done);
    pthread_mutex_destroy(&a->lock);
    rml_heap_free(a->workers);
    rml_heap_free(a->finished);
    rml_heap_free(a);
}
