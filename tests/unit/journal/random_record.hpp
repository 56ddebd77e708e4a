#pragma once
/// @file
/// Records at random, for properties.

#include "engine/journal/record.hpp"

#include "samples.hpp"

#include <rapidcheck.h>

#include <string>

namespace potoo::journal::samples {

/// Any record of run 1 whose fields are in range, sensible or not.
inline rc::Gen<record> any_record()
{
    return rc::gen::exec([] {
        record r;
        r.run = run_number(1);
        r.kind = static_cast<record_kind>(*rc::gen::inRange(1, static_cast<int>(record_kinds.size()) + 1));
        r.state = static_cast<recorded_state>(*rc::gen::inRange(0, static_cast<int>(recorded_state_count)));
        r.task = *rc::gen::element(no_task, task_index(0), task_index(1), task_index(70'000));
        r.item = *rc::gen::element(no_item, item_index(0), item_index(99'999));
        r.attempt = attempt_number(*rc::gen::arbitrary<std::uint32_t>());
        r.step = *rc::gen::arbitrary<std::uint32_t>();
        r.number = *rc::gen::arbitrary<std::int64_t>();
        r.at = instant(*rc::gen::inRange<std::int64_t>(-1'000, 1'000'000'000));
        r.epoch = *rc::gen::arbitrary<std::uint32_t>();
        r.branch = *rc::gen::arbitrary<std::string>();
        r.name = *rc::gen::arbitrary<std::string>();
        r.data = *rc::gen::arbitrary<std::string>();
        return r;
    });
}

/// Records of three tasks with a few items each, as an engine could write them.
inline rc::Gen<record> plausible_record()
{
    return rc::gen::exec([] {
        record r;
        r.run = run_number(1);
        r.kind = static_cast<record_kind>(*rc::gen::inRange(1, static_cast<int>(record_kinds.size()) + 1));
        r.task = task_index(*rc::gen::inRange(0U, 3U));
        r.at = instant(*rc::gen::inRange<std::int64_t>(0, 1'000'000));
        r.epoch = 1;
        if (r.kind == record_kind::task_evaluated) {
            r.number = *rc::gen::inRange(0, 4);
            return r;
        }
        r.state = static_cast<recorded_state>(*rc::gen::inRange(8, static_cast<int>(recorded_state_count)));
        r.data = *rc::gen::element<std::string>("", "1", R"({"a":2})");
        if (r.kind == record_kind::task_ended)
            return r;
        r.item = item_index(*rc::gen::inRange(0U, 3U));
        r.attempt = attempt_number(*rc::gen::inRange(1U, 4U));
        r.number = *rc::gen::inRange(0, 100);
        return r;
    });
}

} // namespace potoo::journal::samples
