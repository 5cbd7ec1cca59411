#include "shim/message.h"

#include <gtest/gtest.h>

namespace tank::shim {
namespace {

Request full_request(Request::Type type) {
  Request request;
  request.type = type;
  request.container = "web";
  request.pod = {"default/web", Share::host, Share::fresh, Share::host, "web-1", OnOwnerLoss::wait};
  request.grace_ms = 30000;
  request.signum = 15;
  request.has_cgroup = true;
  request.has_stdio[1] = true;
  request.cgroup_procs = 9;
  return request;
}

std::vector<std::string> all_requests() {
  std::vector<std::string> out;
  for (int type = 0; type <= static_cast<int>(Request::Type::dismiss); ++type) {
    out.push_back(encode(full_request(static_cast<Request::Type>(type))));
  }
  return out;
}

Answer failed_answer() {
  Answer answer;
  answer.notice.type = Notice::Type::failed;
  answer.notice.container = "web";
  answer.notice.value = 2;
  answer.notice.step = "exec";
  answer.notice.text = "finding 'x': No such file or directory";
  return answer;
}

TEST(Message, RequestsComeBackAsTheyWere) {
  const auto pod = decode_request(encode(full_request(Request::Type::pod)));
  ASSERT_TRUE(pod);
  EXPECT_EQ(pod->pod.name, "default/web");
  EXPECT_EQ(pod->pod.network, Share::host);
  EXPECT_EQ(pod->pod.ipc, Share::fresh);
  EXPECT_EQ(pod->pod.uts, Share::host);
  EXPECT_EQ(pod->pod.hostname, "web-1");
  EXPECT_EQ(pod->pod.on_owner_loss, OnOwnerLoss::wait);
  const auto create = decode_request(encode(full_request(Request::Type::create)));
  ASSERT_TRUE(create);
  EXPECT_EQ(create->container, "web");
  EXPECT_TRUE(create->has_cgroup);
  EXPECT_FALSE(create->has_stdio[0]);
  EXPECT_TRUE(create->has_stdio[1]);
  EXPECT_EQ(create->cgroup_procs, 9U);
  EXPECT_EQ(decode_request(encode(full_request(Request::Type::stop)))->grace_ms, 30000);
  EXPECT_EQ(decode_request(encode(full_request(Request::Type::signal)))->signum, 15);
}

TEST(Message, ANoticeComesBackAsItWas) {
  const auto answer = decode_answer(encode(failed_answer()));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->type, Answer::Type::notice);
  EXPECT_EQ(answer->notice.type, Notice::Type::failed);
  EXPECT_EQ(answer->notice.container, "web");
  EXPECT_EQ(answer->notice.value, 2);
  EXPECT_EQ(answer->notice.step, "exec");
  EXPECT_EQ(answer->notice.text, "finding 'x': No such file or directory");
}

TEST(Message, ALongTextIsCutToWhatAMessageHolds) {
  Answer answer = failed_answer();
  answer.notice.text = std::string(100000, 'x');
  answer.notice.step = std::string(100, 's');
  const std::string bytes = encode(answer);
  EXPECT_LE(bytes.size(), kMaxMessageBytes);
  EXPECT_EQ(decode_answer(bytes)->notice.text.size(), kMaxTextBytes);
}

TEST(Message, EveryShorterOrLongerOneIsRefused) {
  for (const std::string& bytes : all_requests()) {
    ASSERT_TRUE(decode_request(bytes));
    for (std::size_t size = 0; size < bytes.size(); ++size) EXPECT_FALSE(decode_request(bytes.substr(0, size)));
    EXPECT_FALSE(decode_request(bytes + '\0'));
  }
  const std::string bytes = encode(failed_answer());
  for (std::size_t size = 0; size < bytes.size(); ++size) EXPECT_FALSE(decode_answer(bytes.substr(0, size)));
  EXPECT_FALSE(decode_answer(bytes + 'x'));
}

TEST(Message, NeitherSideTakesTheOthersLanguage) {
  for (const std::string& bytes : all_requests()) EXPECT_FALSE(decode_answer(bytes));
  EXPECT_FALSE(decode_request(encode(failed_answer())));
}

TEST(Message, ChangedBytesNeverMakeAnUnboundedMessage) {
  for (const std::string& bytes : all_requests()) {
    for (std::size_t at = 0; at < bytes.size(); ++at) {
      for (const char value : {'\0', '\1', '\x7f', '\xff'}) {
        std::string changed = bytes;
        changed[at] = value;
        const auto request = decode_request(changed);
        if (!request) continue;
        EXPECT_LE(request->container.size(), kMaxNameBytes);
        EXPECT_GE(request->grace_ms, 0);
        EXPECT_LE(request->signum, 64);
        EXPECT_LE(request->cgroup_procs, 32U);
        EXPECT_LE(request->type, Request::Type::dismiss);
      }
    }
  }
}

TEST(Message, AContainerHasANameOfBoundedLength) {
  Request request = full_request(Request::Type::proceed);
  request.container.clear();
  EXPECT_FALSE(decode_request(encode(request)));
  request.container = std::string(kMaxNameBytes + 1, 'x');
  EXPECT_FALSE(decode_request(encode(request)));
  request.container = std::string("a\0b", 3);
  EXPECT_FALSE(decode_request(encode(request)));
}

}  // namespace
}  // namespace tank::shim
