#pragma once
/// @file
/// Records about tasks and attempts, to be completed.

#include "engine/journal/record.hpp"

namespace potoo::runtime {

[[nodiscard]] inline journal::record task_record(journal::record_kind kind, task_index t)
{
    journal::record r;
    r.kind = kind;
    r.task = t;
    return r;
}

inline void fill(journal::record& r, journal::record_kind kind, task_index t, item_index i, attempt_number n)
{
    r.kind = kind;
    r.task = t;
    r.item = i;
    r.attempt = n;
}

[[nodiscard]] inline journal::record attempt_record(journal::record_kind kind, task_index t, item_index i,
                                                    attempt_number n)
{
    journal::record r;
    fill(r, kind, t, i, n);
    return r;
}

} // namespace potoo::runtime
