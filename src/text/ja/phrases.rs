//! The words of the diagnosis and of lists, in Japanese.

use crate::pki::in_japan;
use crate::text::phrase::Phrase;

pub(in crate::text) fn phrase(phrase: &Phrase<'_>) -> String {
    let fixed = match *phrase {
        Phrase::Moment(moment) => {
            return in_japan(moment).map_or_else(unknown_date, |t| {
                let (date, time) = (t.date(), t.time());
                format!(
                    "{}年{}月{}日 {:02}:{:02}:{:02}（日本時間）",
                    date.year(),
                    date.month(),
                    date.day(),
                    time.hour(),
                    time.minute(),
                    time.second()
                )
            });
        }
        Phrase::Day(date) => return day(date),
        Phrase::NoEnd => "期限の定めなし",
        Phrase::DaysLeft(days @ ..0) => return format!("{}日前に期限切れ", days.unsigned_abs()),
        Phrase::DaysLeft(0) => "残り0日（本日まで）",
        Phrase::DaysLeft(days) => return format!("残り{days}日"),

        Phrase::CertificateSerial => "証明書シリアル番号",
        Phrase::Expiry => "有効期限",
        Phrase::Renewal => "更新",
        Phrase::Key => "鍵の種類",
        Phrase::Id => "ID",

        Phrase::Renewable => "更新できます",
        Phrase::RenewableFrom(date) => return format!("{}から更新できます", day(date)),
        Phrase::NoRenewal => "期限の定めがないため不要です",
        Phrase::NotRenewableClosed => "銀行の受付期間を過ぎているため更新できません",
        Phrase::NotRenewableExpired => "期限切れのため更新できません（再発行が必要です）",
        Phrase::NotRenewableNoKey => "秘密鍵がないため更新できません",
        Phrase::Renewed { serial, from } => {
            return format!("更新済みです（新しい証明書シリアル番号 {serial}、次の更新は{}から）", day(from));
        }
        Phrase::SaidRenewed { serial, from } => {
            return format!(
                "更新済みとみられます（新しい証明書シリアル番号 {serial}、次の更新は{}から。更新の実行時、ログイン後に確かめます）",
                day(from)
            );
        }
        Phrase::ExpiredAndWaiting => {
            "期限切れですが、更新は始められており、まだ終わっていなければ完了できます"
        }

        Phrase::TooLateNewIssue => {
            "銀行のサイトでログインIDとログインパスワードを使い、新しい電子証明書の発行を受けてください。"
        }
        Phrase::TooLateRevokeFirst => {
            "マスターユーザが銀行のサイトで古い電子証明書を失効させてから、新しい電子証明書の発行を受けてください。"
        }
        Phrase::TooLateForm => "所定の書面をお取引店に提出し、再発行を受けてください。",
        Phrase::TooLateContact => "下記のお問い合わせ先に再発行をご相談ください。",
        Phrase::FirstCertificate => {
            "お取引店の案内に従い、最初の電子証明書の発行を受けてください。更新はその後に行えます。"
        }
        Phrase::NoCredentials => "USBトークンに電子証明書はありません。",

        Phrase::Warning => "注意",
        Phrase::Blocker => "不可",

        Phrase::Diagnosis => "USBトークン診断",
        Phrase::Version => "バージョン",
        Phrase::Platform => "システム",
        Phrase::Taken => "診断日時",
        Phrase::Problems => "問題点",
        Phrase::NoProblems => "問題は見つかりませんでした。",
        Phrase::Drivers => "ドライバ",
        Phrase::NoDrivers => "ドライバ（PKCS#11モジュール）が見つかりません。",
        Phrase::Devices => "USBポートの機器",
        Phrase::NoDevices => "トークンもカードリーダも接続されていません。",
        Phrase::Banks => "銀行プロファイル",
        Phrase::Tokens => "トークン",
        Phrase::NoTokens => "どのドライバもトークンを認識していません。",
        Phrase::Remark => "参考",
        Phrase::OriginExplicit => "呼び出し元の指定",
        Phrase::OriginVariable(name) => return format!("環境変数 {name} の指定"),
        Phrase::OriginP11Kit(file) => return format!("p11-kit: {file}"),
        Phrase::OriginUser(name) => return format!("利用者の一覧: {name}"),
        Phrase::OriginCatalogue(family) => return format!("カタログ: {family}"),
        Phrase::DriverWorks { milliseconds, slots, tokens } => {
            return format!("{milliseconds}ミリ秒で開始、スロット数 {slots}、トークン数 {tokens}");
        }
        Phrase::DriverFails => "使用できません",
        Phrase::DeviceSeen(driver) => return format!("既知の機器、{driver} が認識しています"),
        Phrase::DevicePartlySeen { devices, tokens } => {
            return format!("既知の機器、{devices}台のうち{tokens}台をドライバが認識しています");
        }
        Phrase::DeviceNotSeen(drivers) => {
            return format!("既知の機器、ドライバはありますが認識していません: {drivers}");
        }
        Phrase::DeviceWithoutDriver => "既知の機器、ドライバがありません",
        Phrase::DeviceUnknown => "未知の機器（スマートカードのインターフェースあり）",
        Phrase::LookedFor { file, folders } => return format!("探したファイル: {file}（場所: {folders}）"),
        Phrase::Pin => "PIN(暗証番号)",
        Phrase::PinUsable => "異常を示すフラグはありません",
        Phrase::PinCountLow => "最後のログイン後に誤った入力があります",
        Phrase::PinFinalTry => "次に誤るとロックされます",
        Phrase::PinLocked => "ロックされています",
        Phrase::PinNotSet => "設定されていません",
        Phrase::PinToBeChanged => "変更が必要です",
        Phrase::FreeMemory => "空き容量",
        Phrase::Bytes(bytes) => return format!("{bytes}バイト"),
        Phrase::NotTold => "トークンが申告していません",
        Phrase::OneMorePair => "鍵と電子証明書の追加",
        Phrase::Fits => "空きがあります",
        Phrase::MayNotFit => "空きが足りない可能性があります",
        Phrase::KeyKinds => "使える鍵の種類",
        Phrase::Mechanisms => "メカニズム",
        Phrase::Driver => "ドライバ",
        Phrase::Versions => "ハードウェアとファームウェア",
        Phrase::Profile => "プロファイル",
        Phrase::WriteProtected => "書き込み禁止",
        Phrase::Unreadable(count) => return format!("読み取れない電子証明書 {count}件"),
    };
    fixed.to_owned()
}

fn unknown_date() -> String {
    "不明な日付".to_owned()
}

/// `2026-11-22` as 2026年11月22日; anything else as it is.
fn day(date: &str) -> String {
    match date.parse::<jiff::civil::Date>() {
        Ok(date) => format!("{}年{}月{}日", date.year(), date.month(), date.day()),
        Err(_) => date.to_owned(),
    }
}
