#pragma once
/// @file
/// Secrets and connections that the configuration shares with all DAGs. Fetched when first asked for.

#include "engine/graph/dag.hpp"
#include "engine/runtime/secret_mask.hpp"

#include <potoo/expression.hpp>
#include <potoo/json.hpp>
#include <potoo/process.hpp>
#include <potoo/task.hpp>
#include <potoo/wait.hpp>

#include <map>
#include <memory>
#include <string>
#include <utility>

namespace potoo::runtime {

struct outside_values
{
    json::object secrets;                                         ///< name → text
    std::map<std::string, json::object, std::less<>> connections; ///< name → settings, `type` among them

    /// Adds all secrets.
    void conceal(secret_mask& mask) const;
};

class outside_source
{
  public:
    /// `processes` must outlive it.
    outside_source(graph::outside_spec spec, process_runner& processes) : spec_(std::move(spec)), processes_(processes)
    {}

    [[nodiscard]] const graph::outside_spec& spec() const noexcept { return spec_; }

    /// What was fetched, for good; what failed is tried again when it is next asked for. It must
    /// outlive the task.
    /// @throws secret_error, also about a connection that cannot be made of the secrets
    [[nodiscard]] task<std::shared_ptr<const outside_values>> values();

  private:
    [[nodiscard]] task<> fetch();

    graph::outside_spec spec_;
    process_runner& processes_;
    semaphore turn_{1};
    std::shared_ptr<const outside_values> values_;
};

/// Settings of one connection, evaluated with `names`, and its `type`. @throws expression_error
[[nodiscard]] json::object settings_of(const graph::connection_spec& c, const bindings& names);

} // namespace potoo::runtime
