#include "engine/server/tasks/task_book.hpp"
#include "tests/unit/server/task_samples.hpp"

#include <boost/test/unit_test.hpp>

#include <string>

using namespace potoo;
using namespace potoo::server;
using namespace potoo::server::test;
using namespace std::chrono_literals;

namespace {

const principal admin{"root", role::admin, "1"};
const principal ann{"ann", role::user, "2"};

struct book_with_tasks
{
    static wall_time at(int seconds) { return wall_time(std::chrono::seconds(seconds)); }

    task_entry_ptr begun(const std::string& id, int created, const std::string& owner = "ann")
    {
        const auto e = made_task(id, owner, at(created));
        book.add(e);
        book.show(e);
        return e;
    }

    std::string ids(const principal& who, const task_filter& f) const
    {
        std::string out;
        for (const task_view& v : book.page(who, f).tasks)
            out += v.id;
        return out;
    }

    task_book book;
};

} // namespace

BOOST_FIXTURE_TEST_SUITE(task_books, book_with_tasks)

BOOST_AUTO_TEST_CASE(task_is_not_shown_before_it_has_begun)
{
    const auto e = made_task("a", "ann");
    BOOST_TEST(book.add(e));
    BOOST_TEST(!book.add(made_task("a", "bob")));
    BOOST_TEST((book.find("a") == e));
    BOOST_TEST((book.find_begun("a") == nullptr));
    BOOST_TEST(ids(admin, {}).empty());
    BOOST_TEST(book.active() == 0u);
    book.show(e);
    BOOST_TEST((book.find_begun("a") == e));
    BOOST_TEST(ids(admin, {}) == "a");
    BOOST_TEST(book.active() == 1u);
}

BOOST_AUTO_TEST_CASE(task_that_failed_to_begin_is_none)
{
    const auto e = made_task("a", "ann");
    book.add(e);
    e->failed = true;
    e->settled.advance_to(1);
    BOOST_TEST((book.find_begun("a") == nullptr));
    book.withdraw("a");
    BOOST_TEST((book.find("a") == nullptr));
}

BOOST_AUTO_TEST_CASE(key_is_taken_back_from_its_holder_only)
{
    const auto first = made_task("a", "ann");
    const auto next = made_task("b", "ann");
    book.give_key("k", first);
    book.give_key("k", next);
    book.take_key_back("k", first);
    BOOST_TEST((book.holder("k") == next));
    book.take_key_back("k", next);
    BOOST_TEST((book.holder("k") == nullptr));
}

BOOST_AUTO_TEST_CASE(end_counts_once_however_often_the_run_ends)
{
    const auto e = begun("a", 0);
    book.end(e, "failed", at(10));
    BOOST_TEST(book.active() == 0u);
    BOOST_TEST(e->shown.fraction == 0);
    book.end(e, "success", at(20));
    BOOST_TEST(book.active() == 0u);
    BOOST_TEST(e->shown.state == "success");
    BOOST_TEST(e->shown.fraction == 1);
    BOOST_TEST((e->shown.ended == at(10)));
}

BOOST_AUTO_TEST_CASE(task_that_ends_while_it_begins_is_never_active)
{
    const auto e = made_task("a", "ann");
    book.add(e);
    book.end(e, "success", at(1));
    book.show(e);
    BOOST_TEST(book.active() == 0u);
    BOOST_TEST(ids(admin, {}) == "a");
}

BOOST_AUTO_TEST_CASE(pages_show_the_latest_first_and_go_on_where_the_one_before_ended)
{
    begun("a", 1);
    begun("c", 2);
    begun("b", 2);
    begun("d", 3);
    task_filter f;
    f.limit = 2;
    BOOST_TEST(ids(admin, f) == "dc");
    f.cursor = book.page(admin, f).next;
    begun("e", 4);
    BOOST_TEST(ids(admin, f) == "ba");
    BOOST_TEST(book.page(admin, f).next.empty());
    for (const char* cursor : {"x", "1", ".a", "1x.a", "99999999999999999999.a"}) {
        f.cursor = cursor;
        BOOST_TEST(kind_of_refusal([&] { static_cast<void>(book.page(admin, f)); }) == "invalid", cursor);
    }
}

BOOST_AUTO_TEST_CASE(filter_and_eyes_decide_what_a_page_has)
{
    begun("a", 1);
    begun("b", 2, "bob");
    const auto ended = begun("c", 3);
    book.end(ended, "success", at(4));
    BOOST_TEST(ids(ann, {}) == "ca");
    task_filter f;
    f.active = true;
    BOOST_TEST(ids(admin, f) == "ba");
    f = {};
    f.owner = "bob";
    BOOST_TEST(ids(admin, f) == "b");
    BOOST_TEST(ids(ann, f).empty());
    f = {};
    f.state = "success";
    BOOST_TEST(ids(ann, f) == "c");
}

BOOST_AUTO_TEST_CASE(task_is_kept_while_both_rules_keep_it)
{
    task_retention keep;
    keep.count = 2;
    keep.age = 100s;
    BOOST_TEST((book.oldest_not_kept(keep, at(0)) == nullptr));
    const auto late = begun("a", 1);
    const auto soon = begun("b", 2);
    begun("c", 3);
    book.end(soon, "success", at(10));
    book.end(late, "success", at(20));
    BOOST_TEST((book.oldest_not_kept(keep, at(110)) == nullptr));
    BOOST_TEST((book.oldest_not_kept(keep, at(111)) == soon));
    keep.count = 1;
    BOOST_TEST((book.oldest_not_kept(keep, at(20)) == soon));
    book.forget(soon);
    BOOST_TEST((book.oldest_not_kept(keep, at(20)) == nullptr));
    BOOST_TEST((book.find("b") == nullptr));
    BOOST_TEST(ids(admin, {}) == "ca");
    BOOST_TEST(book.active() == 1u);
}

BOOST_AUTO_TEST_SUITE_END()
