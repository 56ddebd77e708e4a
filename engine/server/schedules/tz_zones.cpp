#include "engine/server/schedules/tz_zones.hpp"

#include <date/tz.h>

#include <map>

namespace potoo::server {

namespace {

class tz_zone final : public schedule::zone_rules
{
  public:
    explicit tz_zone(const std::string& name) : zone_(date::locate_zone(name)) {}

    [[nodiscard]] schedule::zone_period at(std::chrono::sys_seconds t) const override
    {
        const auto info = zone_->get_info(t);
        return {info.begin, info.end, info.offset};
    }

  private:
    const date::time_zone* zone_;
};

} // namespace

schedule::zone_source tz_zones()
{
    auto known = std::make_shared<std::map<std::string, std::shared_ptr<const schedule::zone_rules>>>();
    return [known](const std::string& name) {
        auto& zone = (*known)[name];
        if (!zone)
            zone = std::make_shared<tz_zone>(name);
        return zone;
    };
}

} // namespace potoo::server
