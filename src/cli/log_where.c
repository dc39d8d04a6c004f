// --where of `log cat` and `log filter`.
#include "log_where.h"

#include "roadmill/message.h"

typedef struct channel {
    bool tried;
    rml_message_plan *plan; // NULL: its messages cannot be decoded, none of them holds
    rml_batch batch;
} channel;

rml_status log_where_open(log_where *w, rml_cli *cli, rml_error *err)
{
    const char *text = rml_cli_value(cli, "--where");
    *w = (log_where){.channels = RML_ARRAY(channel)};
    return text == NULL ? RML_OK : rml_message_where_parse(rml_str_of(text), &w->condition, err);
}

static channel *channel_of(log_where *w, const rml_log *log, uint32_t index)
{
    while (w->channels.count <= index) {
        if (rml_array_push(&w->channels, NULL) == NULL) {
            return NULL;
        }
    }
    channel *c = RML_AT(&w->channels, channel, index);
    if (!c->tried) {
        size_t count;
        const rml_log_channel *l = &rml_log_channels(log, &count)[index];
        const rml_message_kind kind = {l->message_encoding, l->schema_encoding, l->schema_name,
                                       l->schema};
        c->tried = true;
        if (rml_message_compile(&kind, l->topic, &c->plan, NULL) != RML_OK) {
            c->plan = NULL;
        } else if (rml_batch_init(&c->batch, rml_message_schema(c->plan), NULL) != RML_OK) {
            rml_message_plan_free(c->plan);
            c->plan = NULL;
        }
    }
    return c;
}

bool log_where_holds(void *where, const rml_log *log, const rml_log_message *message)
{
    log_where *w = where;
    if (w->condition == NULL) {
        return true;
    }
    channel *c = channel_of(w, log, message->channel);
    if (c == NULL || c->plan == NULL) {
        return false;
    }
    rml_batch_clear(&c->batch);
    return rml_message_decode(c->plan, message->data, (rml_place){0}, c->batch.columns, NULL) ==
               RML_OK &&
           rml_message_where_holds(w->condition, c->batch.schema, c->batch.columns, 0);
}

void log_where_close(log_where *w)
{
    for (size_t i = 0; i < w->channels.count; i++) {
        channel *c = RML_AT(&w->channels, channel, i);
        rml_batch_reset(&c->batch);
        rml_message_plan_free(c->plan);
    }
    rml_array_reset(&w->channels);
    rml_message_where_free(w->condition);
}
