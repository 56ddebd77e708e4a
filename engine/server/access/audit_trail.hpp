#pragma once
/// @file
/// Who changed what, from where, and what came of it.

#include "engine/runtime/ledger.hpp"

#include <potoo/json.hpp>
#include <potoo/loop.hpp>
#include <potoo/task.hpp>
#include <potoo/time.hpp>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace potoo::server {

struct audit_entry
{
    wall_time at{};
    std::string who;    ///< name of the token, `local user`, or `callback`
    std::string token;  ///< its id, if any
    std::string from;   ///< address of the caller
    std::string action; ///< operation id: `cancel_run`
    std::string target; ///< path that was asked for
    unsigned status = 0;
    std::string detail; ///< of what was refused: why
};

[[nodiscard]] json::object to_json(const audit_entry& e);

class audit_trail
{
  public:
    /// Both must outlive it. @param say told of what cannot be written; may be empty
    audit_trail(potoo::loop& l, runtime::ledger& kept_in, std::function<void(std::string_view)> say = {});

    /// Durable when it returns.
    [[nodiscard]] task<> record(audit_entry e);

    /// Records it as soon as the entries before it are durable; where that fails, tries again with the next one. Of
    /// one token at most `noted_a_minute` are: the others are counted in the next one that is.
    void note(audit_entry e);

    static constexpr std::size_t noted_a_minute = 30;

    /// Newest first, those older than the one at `after`. @return with each, its cursor
    [[nodiscard]] std::vector<std::pair<std::string, json::value>> list(const std::string& after, std::size_t limit);

    /// Removes what is older. Durable when it returns.
    [[nodiscard]] task<std::size_t> forget_before(wall_time t);

  private:
    struct parts;

    void write_on();
    [[nodiscard]] static task<> write(std::shared_ptr<parts> p, audit_entry e);
    [[nodiscard]] static task<> write_noted(std::shared_ptr<parts> p);

    std::shared_ptr<parts> parts_;
};

} // namespace potoo::server
