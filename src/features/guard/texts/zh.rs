//! Chinese in simplified characters.

use std::time::Duration;

use teloxide::utils::html::escape;

use super::foreign::{self, reason};
use super::list::fitting;
use super::time::{Unit, units};
use super::{
    End, GroupScan, KnownGroup, Label, Language, Person, Right, ScanState, Stats, Tally, Text,
    Would,
};
use crate::features::guard::captcha::{Challenge, Emoji, Kind, Operation, Question, Sum};

/// A message.
pub(super) fn say(text: &Text<'_>) -> String {
    match *text {
        Text::Prompt { people, more, time } => format!(
            "欢迎 {}。请在 {}内点击按钮并完成验证，之后即可发言。",
            names(people, more),
            span(time),
        ),
        Text::RaidPrompt { people, time } => format!(
            "短时间内有 {people} 人加入。如果您是其中之一，请在 {}内点击按钮并完成验证。",
            span(time),
        ),
        Text::PassedNotice { person } => format!("{} 已通过验证，欢迎。", name(person)),
        Text::Approved { person, by } => format!("{} 已由 {} 批准。", name(person), name(by)),
        Text::ScanList { people, more, left } => format!(
            "以下 {} 人尚未验证：{}。\n请点击按钮完成验证。移出前还有 {left} 次警告。",
            people.len() + more,
            names(people, more),
        ),
        Text::FinalNotice { people, more } => format!(
            "以下 {} 人在最后一次警告后仍未验证，即将被移出：{}。",
            people.len() + more,
            names(people, more),
        ),
        Text::Removed { people, more, back_after } => format!(
            "因未验证已移出：{}。{}后可以重新加入。",
            names(people, more),
            span(back_after),
        ),
        Text::JoinRequest { person } => format!("{} 申请加入。", name(person)),

        Text::Challenge { challenge, group, time } => format!(
            "要进入 {}，{}\n您有 {}。",
            title(group),
            task(challenge),
            span(time),
        ),
        Text::Passed { group } => format!("验证完成，您现在可以在 {} 发言了。", title(group)),
        Text::Wrong { left } => format!("答案不对。您还有 {left} 次机会。"),
        Text::OutOfAttempts { group } => format!(
            "答案不对，机会已用完。几分钟后您可以再次尝试进入 {}。",
            title(group),
        ),
        Text::TooLate { group } => format!("{} 的验证时间已过。您可以重新加入，或联系管理员。", title(group)),
        Text::NothingToVerify => "您没有需要完成的验证。".to_owned(),
        Text::AlreadyPassed { group } => format!("您已经通过了 {} 的验证。", title(group)),
        Text::YourRequestEnded { group, end } => match end {
            End::Approved => format!("您加入 {} 的申请已通过，欢迎。", title(group)),
            End::Declined => format!("您加入 {} 的申请已被拒绝。", title(group)),
            End::Expired => format!("{} 的验证时间已过。您可以重新申请加入。", title(group)),
        },

        Text::ScanProgress { groups, more } => format!(
            "正在扫描 {} 个群组：\n{}",
            groups.len() + more,
            lines(groups, more, progress),
        ),
        Text::ScanSummary { groups, more, took, cancelled } => format!(
            "扫描{}：{} 个群组，用时 {}。\n{}",
            if cancelled { "已取消" } else { "已完成" },
            groups.len() + more,
            span(took),
            lines(groups, more, tally),
        ),
        Text::ScanCancelled => "扫描已取消。".to_owned(),
        Text::ScanNothing => "无需处理：所有人都已验证。".to_owned(),
        Text::ScanRunning => "扫描已在进行中。".to_owned(),

        Text::Menu { group } => format!("<b>入群验证设置</b>：{}\n点击按钮即可更改设置。", title(group)),
        Text::Help => HELP.to_owned(),
        Text::BasicGroup => {
            "这是一个普通群组，无法禁言成员。请先将其升级为超级群组（例如：将聊天记录设为对新成员可见），之后即可使用验证。"
                .to_owned()
        }
        Text::Rights { missing: [] } => "我已拥有验证所需的全部权限。".to_owned(),
        Text::Rights { missing } => format!(
            "我在本群缺少权限，请在管理员设置中授予我：\n{}",
            missing.iter().map(|right| lacking(*right)).collect::<Vec<_>>().join("\n"),
        ),
        Text::RightsIn { group, missing } => format!(
            "我在 {} 缺少权限，请在管理员设置中授予我：\n{}",
            title(group),
            missing.iter().map(|right| lacking(*right)).collect::<Vec<_>>().join("\n"),
        ),
        Text::SwitchedOff { let_go: 0 } => "入群验证已关闭。".to_owned(),
        Text::SwitchedOff { let_go } => format!(
            "入群验证已关闭。{} 名尚未验证的成员现在可以发言；入群申请由您处理。",
            let_go,
        ),
        Text::BadValue { setting, said, takes, example } => format!(
            "{} 不是 {} 的有效值。可用：{}，例如 {}",
            code(said),
            code(setting),
            code(takes),
            code(example),
        ),
        Text::NoSuchSetting { said, known } => format!(
            "没有名为 {} 的设置。可用：{}",
            code(said),
            code(known),
        ),
        Text::Groups { groups: [], more: 0 } => "还没有群组使用入群验证。".to_owned(),
        Text::Groups { groups, more } => lines(groups, more, known),
        Text::NoSuchPerson => "没有这样的待验证成员。请回复该成员的消息，或附上 /pending 中显示的编号。".to_owned(),
        Text::Pending { people: [], more: 0 } => "没有待验证的成员。".to_owned(),
        Text::Pending { people, more } => format!(
            "以下 {} 人尚未验证：\n{}",
            people.len() + more,
            lines(people, more, pending),
        ),
        Text::Stats { stats } => figures(stats),
        Text::Trusted { person } => format!("{} 已被信任，无需验证。", name(person)),
        Text::Untrusted { person } => format!("{} 不再被信任，需要像其他人一样验证。", name(person)),
        Text::DryRun { would, people, more } => format!("[演练] 将会{}：{}", action(would), names(people, more)),
        Text::RaidBegun { group, joins, declines } => format!(
            "一分钟内有 {joins} 人加入 {}，疑似恶意涌入：名字已隐藏，{}。",
            title(group),
            if declines { "此后进群的人将被拒绝" } else { "所有新成员在验证前都被禁言" },
        ),
        Text::RaidEnded { group, joins, lasted } => format!(
            "{} 的恶意涌入已结束：{}内共有 {joins} 人加入。",
            title(group),
            span(lasted),
        ),
    }
}

/// A button or the answer to a press.
pub(super) fn label(label: &Label<'_>) -> String {
    match *label {
        Label::Verify => "开始验证".to_owned(),
        Label::Human => "✅ 我是真人".to_owned(),
        Label::CannotSee => "我看不到图片".to_owned(),
        Label::Approve => "批准".to_owned(),
        Label::Reject => "拒绝".to_owned(),
        Label::CancelScan => "取消扫描".to_owned(),

        Label::UseTheLink => "请按另一个按钮，在与我的私聊中完成验证。".to_owned(),
        Label::NotForYou => "这个按钮不是给您的。".to_owned(),
        Label::Passed => "验证完成，您现在可以发言了。".to_owned(),
        Label::TooLate => "此验证已失效。".to_owned(),
        Label::AdministratorsOnly => "只有管理员可以这样做。".to_owned(),

        Label::Switch(on) => format!("入群验证：{}", on_off(on)),
        Label::Captcha(kind) => format!("验证方式：{}", kind_name(kind)),
        Label::Warnings(count) => format!("警告次数：{count}"),
        Label::Deadline(time) => format!("验证时限：{}", span(time)),
        Label::Attempts(count) => format!("尝试次数：{count}"),
        Label::ScanEvery(Some(time)) => format!("扫描间隔：{}", span(time)),
        Label::ScanEvery(None) => "扫描：仅限命令".to_owned(),
        Label::QuietHours(hours) => format!("安静时段：{}", hours.unwrap_or("无")),
        Label::TimeZone(zone) => format!("时区：{zone}"),
        Label::Language => format!("语言：{}", Language::Chinese.own_name()),
        Label::DryRun(on) => format!("演练模式：{}", on_off(on)),
        Label::RaidLimit(Some(joins)) => format!("恶意涌入：每分钟超过 {joins} 人"),
        Label::RaidLimit(None) => "恶意涌入：不检测".to_owned(),
        Label::DeclineInRaids(on) => format!("涌入时拒绝申请：{}", on_off(on)),
        Label::ApproveFirst(on) => format!("先批准申请再验证：{}", on_off(on)),
        Label::Close => "关闭".to_owned(),
    }
}

const HELP: &str = "<b>入群验证</b>
/guard – 设置
/pending – 查看尚未验证的成员
/approve – 批准成员
/reject – 拒绝成员，之后仍可重新加入
/scan – 提醒尚未验证的成员
/trust、/untrust – 设置无需验证的成员
/stats – 本群统计
请回复该成员的消息，或附上 /pending 中显示的编号。仅限管理员使用。";

/// What is to be done, after "to enter the group,".
fn task(challenge: &Challenge) -> String {
    match &challenge.question {
        Question::Human => "请点击按钮。".to_owned(),
        Question::Sum(sum) => format!("请点击答案：<b>{}</b> 等于多少？", in_full(*sum)),
        Question::Emoji(emoji) => format!("请点击<b>{}</b>。", thing(*emoji)),
        Question::Code(code) => format!("请把这个验证码发给我：<code>{}</code>", escape(code)),
        Question::Image(_) => "请输入图片中的五个字符，不分大小写。".to_owned(),
    }
}

fn in_full(sum: Sum) -> String {
    if !sum.words {
        let sign = match sum.operation {
            Operation::Plus => '+',
            Operation::Minus => '−',
            Operation::Times => '×',
        };
        return format!("{} {sign} {}", sum.left, sum.right);
    }
    let word = match sum.operation {
        Operation::Plus => "加",
        Operation::Minus => "减",
        Operation::Times => "乘以",
    };
    format!("{}{word}{}", number(sum.left), number(sum.right))
}

fn number(number: u8) -> String {
    const WORDS: [&str; 21] = [
        "零", "一", "二", "三", "四", "五", "六", "七", "八", "九", "十", "十一", "十二", "十三",
        "十四", "十五", "十六", "十七", "十八", "十九", "二十",
    ];
    WORDS
        .get(usize::from(number))
        .map_or_else(|| number.to_string(), |word| (*word).to_owned())
}

const fn thing(emoji: Emoji) -> &'static str {
    match emoji {
        Emoji::Apple => "苹果",
        Emoji::Balloon => "气球",
        Emoji::Banana => "香蕉",
        Emoji::Bell => "铃铛",
        Emoji::Bicycle => "自行车",
        Emoji::Camera => "相机",
        Emoji::Car => "汽车",
        Emoji::Carrot => "胡萝卜",
        Emoji::Cat => "猫",
        Emoji::Dog => "狗",
        Emoji::Elephant => "大象",
        Emoji::Fire => "火焰",
        Emoji::Fish => "鱼",
        Emoji::Gift => "礼物",
        Emoji::Guitar => "吉他",
        Emoji::Key => "钥匙",
        Emoji::Moon => "月亮",
        Emoji::Mushroom => "蘑菇",
        Emoji::Rocket => "火箭",
        Emoji::Snail => "蜗牛",
        Emoji::Star => "星星",
        Emoji::Tree => "树",
        Emoji::Turtle => "乌龟",
        Emoji::Umbrella => "雨伞",
    }
}

const fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Button => "按钮",
        Kind::Arithmetic => "算术题",
        Kind::Emoji => "表情",
        Kind::Code => "私聊验证码",
        Kind::Image => "图片",
    }
}

const fn lacking(right: Right) -> &'static str {
    match right {
        Right::RestrictMembers => {
            "• <b>封禁用户</b>：没有它，我无法禁言新成员，也无法移出成员，验证不能工作。"
        }
        Right::DeleteMessages => "• <b>删除消息</b>：没有它，旧的提示和通知会留在群里。",
        Right::InviteUsers => "• <b>通过链接邀请用户</b>：没有它，我看不到也无法处理入群申请。",
    }
}

const fn action(would: Would) -> &'static str {
    match would {
        Would::Mute => "禁言",
        Would::Unmute => "解除禁言",
        Would::Warn => "警告",
        Would::Remove => "移出",
        Would::Approve => "通过申请",
        Would::Decline => "拒绝申请",
    }
}

fn progress(group: &GroupScan<'_>) -> String {
    let state = match group.state {
        ScanState::Waiting => "等待中",
        ScanState::Running => "进行中",
        ScanState::Done => "已完成",
        ScanState::Failed => "失败",
        ScanState::Cancelled => "已取消",
    };
    format!(
        "{}：{}/{}，{state}",
        title(group.title),
        group.done,
        group.of
    )
}

fn tally(group: &Tally<'_>) -> String {
    let (unverified, warned, removed) = (group.unverified, group.warned, group.removed);
    let failed = group.failed.map(|why| format!("；失败：{}", reason(why)));
    format!(
        "{}：未验证 {unverified}，已警告 {warned}，已移出 {removed}{}",
        title(group.title),
        failed.unwrap_or_default(),
    )
}

fn pending((person, left): &(Person, Duration)) -> String {
    let left = if left.is_zero() {
        "时间已过".to_owned()
    } else {
        format!("剩余 {}", span(*left))
    };
    format!("{}（<code>{}</code>）：{left}", name(person), person.id)
}

fn known(group: &KnownGroup<'_>) -> String {
    let (title, pending) = (title(group.title), group.pending);
    format!("{title}：{}，{pending} 人待验证", on_off(group.is_on))
}

fn code(text: &str) -> String {
    format!("<code>{}</code>", reason(text))
}

fn figures(stats: Stats) -> String {
    let Stats {
        pending,
        passed,
        rejected,
        left,
        kicked,
        expired,
    } = stats;
    format!(
        "<b>验证统计</b>\n待验证：{pending}\n已通过：{passed}\n已拒绝：{rejected}\n已离开：{left}\n\
         之后被移出：{kicked}\n超时：{expired}"
    )
}

fn name(person: &Person) -> String {
    person.mention("新成员")
}

fn title(title: &str) -> String {
    foreign::title(title, "本群")
}

fn names(people: &[Person], more: usize) -> String {
    let (shown, hidden) = fitting(people, more, name);
    match (shown.is_empty(), hidden) {
        (_, 0) => shown.join("、"),
        (true, _) => format!("{hidden} 人"),
        (false, _) => format!("{} 和另外 {hidden} 人", shown.join("、")),
    }
}

fn lines<T>(entries: &[T], more: usize, show: impl Fn(&T) -> String) -> String {
    let (mut shown, hidden) = fitting(entries, more, show);
    if hidden > 0 {
        shown.push(format!("…… 以及另外 {hidden} 项"));
    }
    shown.join("\n")
}

fn span(time: Duration) -> String {
    let word = |(number, unit): (u64, Unit)| {
        let word = match unit {
            Unit::Day => "天",
            Unit::Hour => "小时",
            Unit::Minute => "分钟",
            Unit::Second => "秒",
        };
        format!("{number} {word}")
    };
    units(time)
        .into_iter()
        .map(word)
        .collect::<Vec<_>>()
        .join(" ")
}

const fn on_off(on: bool) -> &'static str {
    if on { "开" } else { "关" }
}
