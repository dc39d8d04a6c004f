// The table of message types that list objects; a new type is one row.
//
// Sources: ASAM OSI 3.7 (osi_groundtruth.proto, osi_object.proto), vision_msgs 4
// (Detection3DArray.msg), autoware_perception_msgs 1 (TrackedObjects.msg).
#include "objects.h"

// ---- Classes -----------------------------------------------------------------------------------

static object_class of_number(const object_class *classes, size_t count, double number)
{
    // A number that the table does not know stays unknown.
    size_t at = number >= 0 && number < (double)count ? (size_t)number : 0;
    return classes[at];
}
#define OF(classes, number) of_number(classes, sizeof(classes) / sizeof *(classes), number)

static object_class osi_class(rml_nested object, size_t row)
{
    enum { OSI_VEHICLE = 2 };
    const object_class kinds[] = {
        {RML_AGENT_UNKNOWN, RML_STR("unknown")}, {RML_AGENT_UNKNOWN, RML_STR("other")},
        {RML_AGENT_UNKNOWN, RML_STR("vehicle")}, {RML_AGENT_PEDESTRIAN, RML_STR("pedestrian")},
        {RML_AGENT_UNKNOWN, RML_STR("animal")},
    };
    const object_class vehicles[] = {
        {RML_AGENT_UNKNOWN, RML_STR("vehicle")},
        {RML_AGENT_UNKNOWN, RML_STR("other_vehicle")},
        {RML_AGENT_CAR, RML_STR("small_car")},
        {RML_AGENT_CAR, RML_STR("compact_car")},
        {RML_AGENT_CAR, RML_STR("car")},
        {RML_AGENT_CAR, RML_STR("luxury_car")},
        {RML_AGENT_CAR, RML_STR("delivery_van")},
        {RML_AGENT_TRUCK, RML_STR("heavy_truck")},
        {RML_AGENT_TRUCK, RML_STR("semitrailer")},
        {RML_AGENT_UNKNOWN, RML_STR("trailer")},
        {RML_AGENT_MOTORCYCLE, RML_STR("motorbike")},
        {RML_AGENT_BICYCLE, RML_STR("bicycle")},
        {RML_AGENT_BUS, RML_STR("bus")},
        {RML_AGENT_UNKNOWN, RML_STR("tram")},
        {RML_AGENT_UNKNOWN, RML_STR("train")},
        {RML_AGENT_PEDESTRIAN, RML_STR("wheelchair")},
        {RML_AGENT_TRUCK, RML_STR("semitractor")},
        {RML_AGENT_UNKNOWN, RML_STR("standup_scooter")},
    };
    double kind = rml_nested_f64(rml_nested_at(object, "type"), row);
    return kind == OSI_VEHICLE
               ? OF(vehicles,
                    rml_nested_f64(rml_nested_at(object, "vehicle_classification.type"), row))
               : OF(kinds, kind);
}

// The hypothesis of the greatest score, the first of equal ones; false if there is none.
static bool best_of(rml_nested list, const char *score, size_t row, size_t *out)
{
    size_t first, count;
    rml_nested scores = rml_nested_at(rml_nested_element(list), score);
    rml_nested_span(list, row, &first, &count);
    *out = first;
    for (size_t i = first; i < first + count; i++) {
        *out = rml_nested_f64(scores, i) > rml_nested_f64(scores, *out) ? i : *out;
    }
    return count > 0;
}

// Detectors name classes as they like: the words that datasets use, in any case.
static rml_agent_class of_word(rml_str given)
{
    enum { WORD_MAX = 32 };
    char lower[WORD_MAX];
    rml_str word = {lower, given.len < WORD_MAX ? given.len : 0};
    for (size_t i = 0; i < word.len; i++) {
        char c = given.data[i];
        lower[i] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    }
    const struct {
        rml_str word;
        rml_agent_class agent_class;
    } words[] = {
        {RML_STR("vehicle"), RML_AGENT_CAR},
        {RML_STR("van"), RML_AGENT_CAR},
        {RML_STR("lorry"), RML_AGENT_TRUCK},
        {RML_STR("motorbike"), RML_AGENT_MOTORCYCLE},
        {RML_STR("motorcyclist"), RML_AGENT_MOTORCYCLE},
        {RML_STR("cyclist"), RML_AGENT_BICYCLE},
        {RML_STR("bike"), RML_AGENT_BICYCLE},
        {RML_STR("person"), RML_AGENT_PEDESTRIAN},
    };
    rml_agent_class agent_class = RML_AGENT_UNKNOWN;
    if (rml_agent_class_parse(word, &agent_class)) {
        return agent_class;
    }
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (rml_str_equal(word, words[i].word)) {
            return words[i].agent_class;
        }
    }
    return RML_AGENT_UNKNOWN;
}

static object_class vision_class(rml_nested object, size_t row)
{
    size_t best;
    rml_nested results = rml_nested_at(object, "results");
    if (!best_of(results, "hypothesis.score", row, &best)) {
        return (object_class){RML_AGENT_UNKNOWN, {0}};
    }
    rml_str word = rml_nested_name(
        rml_nested_at(rml_nested_element(results), "hypothesis.class_id"), best, NULL, 0);
    return (object_class){of_word(word), word};
}

static object_class autoware_class(rml_nested object, size_t row)
{
    const object_class labels[] = {
        {RML_AGENT_UNKNOWN, RML_STR("unknown")}, {RML_AGENT_CAR, RML_STR("car")},
        {RML_AGENT_TRUCK, RML_STR("truck")},     {RML_AGENT_BUS, RML_STR("bus")},
        {RML_AGENT_TRUCK, RML_STR("trailer")},   {RML_AGENT_MOTORCYCLE, RML_STR("motorcycle")},
        {RML_AGENT_BICYCLE, RML_STR("bicycle")}, {RML_AGENT_PEDESTRIAN, RML_STR("pedestrian")},
    };
    size_t best;
    rml_nested list = rml_nested_at(object, "classification");
    return best_of(list, "probability", row, &best)
               ? OF(labels, rml_nested_f64(rml_nested_at(rml_nested_element(list), "label"), best))
               : labels[0];
}

// ---- The table ---------------------------------------------------------------------------------

#define OSI_OBJECT                                                                                 \
    .source = "osi", .id = "id.value", .x = "base.position.x", .y = "base.position.y",             \
    .z = "base.position.z", .yaw = "base.orientation.yaw", .vx = "base.velocity.x",                \
    .vy = "base.velocity.y", .length = "base.dimension.length", .width = "base.dimension.width",   \
    .classify = osi_class
#define AUTOWARE_OBJECT                                                                            \
    .source = "autoware", .objects = "objects", .frame = "header['frame_id']",                     \
    .id = "object_id.uuid", .x = "kinematics.pose_with_covariance.pose.position.x",                \
    .y = "kinematics.pose_with_covariance.pose.position.y",                                        \
    .z = "kinematics.pose_with_covariance.pose.position.z",                                        \
    .quaternion = "kinematics.pose_with_covariance.pose.orientation",                              \
    .vx = "kinematics.twist_with_covariance.twist.linear.x",                                       \
    .vy = "kinematics.twist_with_covariance.twist.linear.y", .length = "shape.dimensions.x",       \
    .width = "shape.dimensions.y", .classify = autoware_class

const object_source *rml_object_sources(size_t *count)
{
    static const object_source sources[] = {
        {.type = "osi3.SensorView",
         .objects = "global_ground_truth['moving_object']",
         .host = "global_ground_truth['host_vehicle_id']['value']",
         .lanes = "global_ground_truth['lane']",
         .boundaries = "global_ground_truth['lane_boundary']",
         .reference = "global_ground_truth['proj_string']",
         OSI_OBJECT},
        {.type = "osi3.GroundTruth",
         .objects = "moving_object",
         .host = "host_vehicle_id['value']",
         .lanes = "lane",
         .boundaries = "lane_boundary",
         .reference = "proj_string",
         OSI_OBJECT},
        {.type = "autoware_perception_msgs/msg/TrackedObjects", AUTOWARE_OBJECT},
        {.type = "autoware_auto_perception_msgs/msg/TrackedObjects", AUTOWARE_OBJECT},
        {.type = "vision_msgs/msg/Detection3DArray",
         .source = "vision_msgs",
         .objects = "detections",
         .frame = "header['frame_id']",
         .id = "id",
         .x = "bbox.center.position.x",
         .y = "bbox.center.position.y",
         .z = "bbox.center.position.z",
         .quaternion = "bbox.center.orientation",
         .length = "bbox.size.x",
         .width = "bbox.size.y",
         .classify = vision_class},
    };
    *count = sizeof sources / sizeof *sources;
    return sources;
}
