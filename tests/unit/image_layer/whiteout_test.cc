// Which names are whiteouts, what they do to what a layer has itself, and which attributes an image may set.
#include "image/whiteout.h"

#include <gtest/gtest.h>

namespace tank::image {
namespace {

Whiteout::Form form_of(std::string_view name) {
  const Result<Whiteout> whiteout = classify_name(name);
  EXPECT_TRUE(whiteout) << name;
  return whiteout ? whiteout->form : Whiteout::Form::none;
}

TEST(Whiteout, OrdinaryNamesAreNone) {
  for (const char* name : {"a", ".w", ".wh", "wh.x", "..wh.x", ".whx", "x.wh.y"}) {
    EXPECT_EQ(form_of(name), Whiteout::Form::none) << name;
  }
}

TEST(Whiteout, HidesItsTarget) {
  const Result<Whiteout> whiteout = classify_name(".wh.motd");
  ASSERT_TRUE(whiteout);
  EXPECT_EQ(whiteout->form, Whiteout::Form::hides);
  EXPECT_EQ(whiteout->target, "motd");
  EXPECT_EQ(classify_name(".wh....")->target, "...");
  EXPECT_EQ(classify_name(".wh. ")->target, " ");
}

TEST(Whiteout, OpaqueAndBookkeeping) {
  EXPECT_EQ(form_of(".wh..wh..opq"), Whiteout::Form::opaque);
  for (const char* name : {".wh..wh.aufs", ".wh..wh.orph", ".wh..wh.plnk", ".wh..wh.", ".wh..wh..opqx"}) {
    EXPECT_EQ(form_of(name), Whiteout::Form::bookkeeping) << name;
  }
}

TEST(Whiteout, RefusesToHideNothing) {
  for (const char* name : {".wh.", ".wh..", ".wh..."}) {
    const Result<Whiteout> whiteout = classify_name(name);
    ASSERT_FALSE(whiteout) << name;
    EXPECT_EQ(whiteout.error().kind(), Kind::corrupt);
  }
}

TEST(Whiteout, NeverMeansItsOwnLayer) {
  sys::FileStatus status;
  EXPECT_EQ(plan_hiding(std::nullopt), Hiding::make_whiteout);
  status.type = sys::FileType::directory;
  EXPECT_EQ(plan_hiding(status), Hiding::make_opaque);
  for (const sys::FileType type : {sys::FileType::regular, sys::FileType::symlink, sys::FileType::character}) {
    status.type = type;
    EXPECT_EQ(plan_hiding(status), Hiding::nothing);
  }
}

TEST(Whiteout, OnlyDevice00IsOverlays) {
  sys::FileStatus status;
  status.type = sys::FileType::character;
  EXPECT_TRUE(is_overlay_whiteout(status));
  status.device_minor = 1;
  EXPECT_FALSE(is_overlay_whiteout(status));
  status.device_minor = 0;
  status.type = sys::FileType::block;
  EXPECT_FALSE(is_overlay_whiteout(status));
}

TEST(Whiteout, AttributesAnImageMaySet) {
  for (const char* name :
       {"user.note", "security.capability", "system.posix_acl_access", "system.posix_acl_default", "trusted.md5"}) {
    EXPECT_TRUE(keeps_attribute(name)) << name;
  }
  for (const char* name :
       {"trusted.overlay.opaque", "trusted.overlay.redirect", "trusted.overlay.metacopy", "user.overlay.opaque",
        "security.selinux", "security.ima", "security.evm", "system.nfs4_acl", "security.capability2", "user", ""}) {
    EXPECT_FALSE(keeps_attribute(name)) << name;
  }
}

}  // namespace
}  // namespace tank::image
