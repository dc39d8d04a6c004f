// Numbers that pass one after the other, whatever the order in which their work is done.
#include <pthread.h>

#include "roadmill/os.h"

struct rml_turnstile {
    pthread_mutex_t lock;
    pthread_cond_t moved;
    uint64_t next; // numbers below have left
};

rml_status rml_turnstile_make(rml_turnstile **out, rml_error *err)
{
    *out = rml_heap_make(sizeof **out);
    if (*out == NULL) {
        return rml_fail_memory(err, sizeof **out);
    }
    pthread_mutex_init(&(*out)->lock, NULL);
    pthread_cond_init(&(*out)->moved, NULL);
    return RML_OK;
}

void rml_turnstile_free(rml_turnstile *t)
{
    if (t == NULL) {
        return;
    }
    pthread_cond_destroy(&t->moved);
    pthread_mutex_destroy(&t->lock);
    rml_heap_free(t);
}

void rml_turnstile_enter(rml_turnstile *t, uint64_t number)
{
    pthread_mutex_lock(&t->lock);
    while (t->next < number) {
        pthread_cond_wait(&t->moved, &t->lock);
    }
    pthread_mutex_unlock(&t->lock);
}

void rml_turnstile_leave(rml_turnstile *t, uint64_t number)
{
    pthread_mutex_lock(&t->lock);
    while (t->next < number) {
        pthread_cond_wait(&t->moved, &t->lock);
    }
    if (t->next == number) {
        t->next++;
        pthread_cond_broadcast(&t->moved);
    }
    pthread_mutex_unlock(&t->lock);
}
