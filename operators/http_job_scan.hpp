#pragma once
/// @file
/// Finds the few members of an answer that a look needs, without making values of the rest. What it cannot do quickly
/// (escapes in what is looked for, other types than strings) it leaves to whoever reads the whole answer.

#include <boost/json/basic_parser.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace potoo::http_job {

/// Names of members, from the outside in.
using member_path = std::vector<std::string>;

/// `root.a.b` as `{a, b}`. Nothing for any other expression.
[[nodiscard]] std::optional<member_path> member_path_of(std::string_view expression, std::string_view root);

/// Of a list of jobs. Both look into the answer.
struct scanned_job
{
    std::string_view id;
    std::string_view state;
};

/// Reads one answer after another. An answer is refused that `json::parse` would refuse.
class answer_scanner
{
  public:
    answer_scanner();
    ~answer_scanner();

    /// The string at that path of a job. Nothing when there is none, or the answer must be read as a whole.
    [[nodiscard]] std::optional<std::string_view> state(std::string_view answer, const member_path& path);

    /// The jobs of the list at `items`, each with a string at `id` and at `state`. Null when there is no such list, or
    /// the answer must be read as a whole. Valid until the next call.
    [[nodiscard]] const std::vector<scanned_job>* jobs(std::string_view answer, const member_path& items,
                                                       const member_path& id, const member_path& state);

  private:
    struct parts;

    [[nodiscard]] bool read(std::string_view answer);

    std::unique_ptr<parts> parts_;
};

} // namespace potoo::http_job
