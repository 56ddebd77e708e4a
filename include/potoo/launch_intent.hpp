#pragma once
/// @file
/// The fact that comes before anything that must not be sent twice: what may have been sent is found out by it after a
/// crash. For `run_remote_job`, and for operators that launch in a way of their own.

#include <potoo/context.hpp>

namespace potoo {

/// Records that the attempt's job, or the like, is about to be sent. Durable when it returns. Told to stop before that,
/// the attempt has sent nothing, and says so for whoever replays it.
/// @throws cancelled when nothing may be sent
[[nodiscard]] task<> record_launch_intent(context& ctx);

/// The journal says that something may have been sent.
[[nodiscard]] bool launch_intended(context& ctx);

} // namespace potoo
