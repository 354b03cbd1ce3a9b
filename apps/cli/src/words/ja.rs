//! The command's own words, in Japanese.

use super::list::Words;

pub(super) fn words(words: &Words<'_>) -> String {
    let fixed = match *words {
        Words::Guess => "（文字コードは推定）",
        Words::Age(..=0) => "本日作成",
        Words::Age(days) => return format!("{days}日前に作成"),
        Words::Token => "トークン",
        Words::TokenSerial => "シリアル番号",
        Words::Protection => "秘密鍵の保護",
        Words::Concerns => "対象の証明書シリアル番号",
        Words::Status => "状態",
        Words::Since => "開始日",
        Words::FirstIssue => "新規発行",
        Words::ProofProven => "取り出し不可（確認済み）",
        Words::ProofClaimed => "取り出し不可（ドライバの申告による）",
        Words::ProofRefused => "取り出し不可を確認できません",
        Words::ProofUnknown => "未確認（ログインすると確認できます）",
        Words::HalfWritten => {
            "書き込みが途中で止まったものが残っています(再開、保存、中止のいずれかで片付きます)"
        }
        Words::AwaitingAnswer => "認証局からの応答待ち",
        Words::NotConfirmed => {
            "電子証明書は書き込み済みのようです（署名による確認がまだです。同じ応答をもう一度取り込んでください）"
        }
        Words::OldCertificateGone => "トークンにない電子証明書の更新",
        Words::RetireInterrupted => "古い電子証明書の削除が途中です",
        Words::PublicKeyOnly => "公開鍵だけが残っています（破棄できます）",
        Words::UnreadableCertificate => "読み取れない電子証明書",
        Words::Label => "ラベル",
        Words::Size => "サイズ（バイト）",
        Words::UnreadableExtensions => "読み取れない拡張",
        Words::OnThisComputer => "このパソコンの電子証明書（USBトークンの外）",
        Words::RenewableOnto => "USBトークンへの更新が可能です",
        Words::RenewedOnto(by) => return format!("USBトークンへ更新済みのようです: {by}"),
        Words::WaitsOnto(tokens) => {
            return format!("USBトークンへの更新を申請済みで、認証局の回答を待っています: {tokens}");
        }
        Words::HintNth => {
            "番号は「usbtoken list --everywhere」（--also なし）の番号です。--token を付けたときは、同じ --token を付けた「usbtoken list」でも同じ電子証明書を指す番号だけが使えます。上限が最後の番号です。--serial または --from でも指定できます。"
        }
        Words::FilePassword(file) => return format!("電子証明書ファイル {file} のパスワード: "),
        Words::HintWithoutFrom => "--from を付けずに、もう一度実行してください。",
        Words::HintFrom => {
            "古い電子証明書の場所は --from file:ファイル名 で指定します。複数あるときは --serial で選びます。"
        }
        Words::HintFromPassword => {
            "パスワードは入力画面で答えるか、1行目に書いたファイルを --from-password で指定します。"
        }
        Words::KeyInUse(kind) => return format!("{kind}（使用中の鍵をそのまま使う更新）"),
        Words::NewKey(kind) => return format!("新しい鍵: {kind}"),
        Words::NumberNotHere => {
            "このパソコンには、この申請の記録がありません（受付番号が分かれば「usbtoken pending --reference 番号」で記録できます）"
        }
        Words::NoPending => "発行待ちの鍵はありません。",
        Words::Reminder => "更新のお知らせ",
        Words::RemindsFrom(date) => return format!("{date} からお知らせします"),
        Words::ReminderDue { days, next } => {
            return format!("有効期限まで残り{days}日です。お早めに更新してください（次のお知らせ: {next}）");
        }
        Words::ReminderLast(0) => "本日が有効期限です。すぐに更新してください（最後のお知らせ）",
        Words::ReminderLast(days) => {
            return format!("有効期限まで残り{days}日です。すぐに更新してください（最後のお知らせ）");
        }
        Words::PinPrompt(token) => return format!("{token} のPIN(暗証番号): "),
        Words::PinMarkUnusable(place) => {
            return format!(
                "警告: PINの誤りを記録する場所を使用できません({place})。正しく直すまで、自動の実行ではログインしません。"
            );
        }
        Words::ChangeInterrupted => {
            "PIN(暗証番号)の変更が途中で終わっています。新しいPINが有効になっている可能性があります。まず新しいPINを入力し、誤りであれば、次は変更前のPINを入力してください。ほかのPINは試さないでください。"
        }
        Words::HintPinPlace => {
            "表示された場所を、このユーザーだけが使えるように(フォルダは0700、ファイルは0600)し、空き容量を確保してください。端末からであればログインできます。場所はこのユーザーのホームの下です。ホームのないユーザーの場合は、環境変数 XDG_STATE_HOME でフォルダを指定してください。"
        }
        Words::OrderForgotten => {
            "このコンピューターに残っていた申請の控えを削除しました。トークンの内容は変わっていません。"
        }
        Words::PinPad(token) => {
            return format!("{token} のPIN(暗証番号)を、トークンまたはリーダのキーで入力してください。");
        }
        Words::LoginIdPrompt => "ログインID: ",
        Words::PasswordPrompt => "パスワード: ",
        Words::ConfirmSignAgain => {
            "最初の申請データがこのパソコンになく、署名し直すと認証局が二重の申請とみなすことがあります。続ける場合は yes と入力してください: "
        }
        Words::KeysIgnored => {
            "（矢印キー、NumLockを外したテンキーなど、文字にならないキーは入力されません。ここまでに入力した文字はそのまま残っています。不安なときはCtrl+Uで消して入力し直してください。）"
        }
        Words::TypedAnew => {
            "（中断する前に入力した文字は取り消されました。最初の1文字目から入力し直してください。）"
        }
        Words::ConfirmFullWidth => {
            "PINに全角の文字が含まれています。日本語入力をオフにして入力し直すには、そのままEnterキーを押してください。このまま送る場合は yes と入力してください: "
        }
        Words::ConfirmBlank => {
            "PINの先頭または末尾に空白があります。入力し直すには、そのままEnterキーを押してください。このまま送る場合は yes と入力してください: "
        }
        Words::ChangeBegins(token) => {
            return format!(
                "{token} のPIN(暗証番号)を変更します。現在のPINを誤ると、入力できる回数が1回減ることがあります。何も変更せずにやめるには、Escキーを押してください。"
            );
        }
        Words::OldPinPrompt(token) => return format!("{token} の現在のPIN(暗証番号): "),
        Words::NewPinPrompt(token) => return format!("{token} の新しいPIN(暗証番号): "),
        Words::NewPinAgain => "新しいPIN(暗証番号)をもう一度: ",
        Words::NewPinsDiffer => {
            "2回の入力が一致しません。まだ何も変更していません。新しいPINを入力し直してください。"
        }
        Words::NewPinIsOld => "現在のPINと同じです。異なる新しいPINを入力してください。",
        Words::ChangeAtPad(token) => {
            return format!(
                "{token} のPIN(暗証番号)を変更します。トークンまたはリーダのキーで、現在のPINと新しいPINを入力してください。現在のPINを誤ると、入力できる回数が1回減ることがあります。"
            );
        }
        Words::Stopping => {
            "中止しています。トークンのドライバの処理が終わるのを待っています。2秒以内（トークンに書き込む処理では10秒以内）に終わらなければドライバを終了します。もう一度Ctrl+Cを押すと、このプログラムをすぐに終了します。"
        }
        Words::StoppingChange => {
            "中止しています。トークンのドライバがPINを変更している途中です。10秒以内に終わらなければドライバを終了します。もう一度Ctrl+Cを押すと、このプログラムをすぐに終了します。いま終了すると、どちらのPINが有効か分からなくなります。その場合は、まず新しいPINで一度だけログインし（例: 「usbtoken pending」）、誤りであれば、次は変更前のPINを入力してください。"
        }
        Words::PinChanged => {
            "PIN(暗証番号)を変更しました。次からは新しいPINを使用してください。PINを保存しているファイルや設定があれば、書き換えてください。"
        }
        Words::ConfirmChange => "いまPINを変更する場合は yes と入力してください: ",
        Words::HintPinChange => "PINは「usbtoken pin change」で変更できます。",
        Words::HintPinHolds => {
            "どちらのPINが有効かは、新しいPINで一度だけログインすると分かります（例: 「usbtoken pending」）。誤りであれば、次は変更前のPINを入力してください。正しいPINでログインすると、誤りの回数は元に戻ります。端末を使わずに実行する場合は、それぞれ --pin-corrected を付けてください。"
        }
        Words::ConfirmFinalTry => "それでも入力する場合は yes と入力してください: ",
        Words::ConfirmStatedLocked => {
            "USBトークンはPINがロックされていると申告しています。それでもPINを送る場合は yes と入力してください: "
        }
        Words::ConfirmPinLength { shortest, longest, length } => {
            return format!(
                "USBトークンの申告ではPINは{shortest}〜{longest}桁ですが、入力は{length}桁です。そのまま送る場合は yes と入力してください: "
            );
        }
        Words::ConfirmResume => {
            "この電子証明書の更新は申請中です。続きから再開する場合は yes と入力してください: "
        }
        Words::ConfirmSharedId => {
            "これまでの鍵を使うと、新しい電子証明書は古いものと同じIDで保存されます。1つの鍵に電子証明書を1つしか保存できないUSBトークンでは、古い電子証明書が上書きされます。続ける場合は yes と入力してください: "
        }
        Words::ConfirmNewName { old, new } => {
            return format!(
                "新しい電子証明書の名義が異なります。\n  古い電子証明書: {old}\n  新しい電子証明書: {new}\n同じ利用者のもので、古い電子証明書を削除してよい場合は yes と入力してください: "
            );
        }
        Words::ConfirmRemoval => "元に戻せません。削除する場合は yes と入力してください: ",
        Words::Installed => "電子証明書の発行とインストールが完了しました。",
        Words::RestartBrowsers => "電子証明書を有効にするには、一度すべてのブラウザを閉じてください。",
        Words::RequestWritten(file) => return format!("申請データを {file} に保存しました。"),
        Words::SendRequest => {
            "申請データを認証局に送り、応答のファイルを「usbtoken install ファイル名」で取り込んでください。"
        }
        Words::Confirmed => "銀行のサーバが、この電子証明書でのログインを受け付けました。",
        Words::HowToConfirm(line) => {
            return format!(
                "銀行のサーバが新しい電子証明書を受け付けるかは、次のコマンドで確認できます: {line}"
            );
        }
        Words::ChooseInBrowser { serial, ends } => {
            return format!(
                "ブラウザの選択画面では、シリアル番号の末尾が {serial}、有効期限が {ends} の電子証明書を選んでください。"
            );
        }
        Words::OldInBrowser { serial, ends } => {
            return format!(
                "シリアル番号の末尾が {serial}、有効期限が {ends} のものは、古い電子証明書です。"
            );
        }
        Words::CopiesElsewhere if cfg!(windows) => {
            "選択画面に新しい電子証明書が出ないときは、ブラウザをすべて閉じ、トークンを挿し直してください。古いものだけが出るときは、Windowsの「ユーザー証明書の管理」（certmgr.msc）の「個人」に残った古い電子証明書の控えです。トークンの中身は変わりません。"
        }
        Words::CopiesElsewhere => {
            "選択画面に新しい電子証明書が出ないときは、ブラウザをすべて閉じ、トークンを挿し直してください。"
        }
        Words::KeptByBank => {
            "これまでの電子証明書は、銀行の定めによりUSBトークンに残します。削除する必要はありません。"
        }
        Words::MayRetire(line) => return format!("古い電子証明書を削除する場合: {line}"),
        Words::Retired => "古い電子証明書を削除しました。",
        Words::RetiredBefore => "古い電子証明書はすでに削除されています。現在の電子証明書は次のとおりです。",
        Words::AlreadyRenewed { follower, from } => {
            return format!(
                "この電子証明書は更新済みです（新しい電子証明書: {follower}）。何も書き込んでいません。次の更新は {from} から可能です。"
            );
        }
        Words::Abandoned => "発行待ちの鍵を破棄しました。",
        Words::Doubt => "要確認",
        Words::WhatToDo => "対処",
        Words::DoubtfulOurs(id) => {
            return format!(
                "このパソコンで作成した申請の鍵です。続けるときは「usbtoken resume --id {id}」、破棄するときは「usbtoken abandon --id {id}」とIDを指定してください。"
            );
        }
        Words::DoubtfulOthers => {
            "ほかのプログラムの鍵です。そのままにしてください。IDを指定しないかぎり使用せず、更新では新しい鍵を作成します。"
        }
        Words::DoubtfulUnknown(id) => {
            return format!(
                "申請を作成したパソコンなどで、どの申請の鍵かを確認してください。「usbtoken abandon --id {id}」とIDを指定したときにだけ破棄します。"
            );
        }
        Words::DoubtfulUnread(id) => {
            return format!(
                "この鍵の電子証明書がトークンにある可能性があります。別のドライバで確認してください（「usbtoken list --module ファイル」）。「usbtoken abandon --id {id}」とIDを指定したときにだけ破棄します。"
            );
        }
        Words::AbandonedBefore => "発行待ちの鍵はすでに破棄されています。トークンには何も残っていません。",
        Words::ProfileFine(value) => return format!("この銀行プロファイルに誤りはありません: {}", value),
        Words::NoProfiles(value) => return format!("銀行プロファイルはありません: {}", value),
        Words::ProfileBank => "銀行",
        Words::ProfileAnchor => "信頼する認証局",
        Words::ProfileOpens => "更新できる期間（満了日までの日数）",
        Words::ProfileOverrides => "オプションで変更できる項目",
        Words::ProfileContact => "お問い合わせ先",
        Words::Fine => "良好",
        Words::CanRenew => "更新を行えます。",
        Words::CannotRenew => "このままでは更新を行えません。",
        Words::NotKnownWithoutPin => "ほかに更新できる電子証明書があるかどうかは、PINで確認できます。",
        Words::MayBeFinished => {
            "この電子証明書の更新は一度始められています。「usbtoken renew」はログイン後にどこまで進んだかを確かめます。完了していれば何も書き込みません。途中のものは、--resume を付けたときと、二重の申請にならないときに続けます。"
        }
        Words::SeemsRenewed => {
            "更新済みとみられ、いまは更新する必要がないようです。「usbtoken renew」はログイン後に確かめ、更新済みであれば何も書き込みません。"
        }
        Words::HowToFinish => "usbtoken resume、または usbtoken install ファイル名",
        Words::HintModule => "ドライバは --module に絶対パスで指定できます。",
        Words::HintToken => "トークンは --token 'pkcs11:serial=…' のように指定できます。",
        Words::HintCredential => {
            "「usbtoken list」で一覧を表示し、--id または --serial（両方、または --json に表示されるフィンガープリント --serial sha256:…）で電子証明書を指定できます。ログイン後でなければ見えないトークンでは --pin-file または --pin-env も指定してください。"
        }
        Words::HintCredentialOrFrom => {
            "「usbtoken list」で一覧を表示し、--id または --serial（両方、または --json に表示されるフィンガープリント --serial sha256:…）で電子証明書を指定できます。ログイン後でなければ見えないトークンでは --pin-file または --pin-env も指定してください。古い電子証明書がトークンではなくファイルにあるときは、renew、request、resume、install に --from file:ファイル名 を付けます。"
        }
        Words::HintPending => {
            "「usbtoken pending」で一覧を表示し、「usbtoken resume」で再開、「usbtoken abandon --id ID」で破棄できます。"
        }
        Words::HintKeyGone => {
            "鍵が失われたことが確かな場合にかぎり、「usbtoken abandon --id ID --key-gone」でその申請を破棄できます。その後の更新は、新たな申請になります。"
        }
        Words::HintSuccessorDue => {
            "更新するには、--fromを付けず、--tokenでそのトークンを指定して「usbtoken renew」を実行してください。電子証明書が複数あるときは、--serialも指定してください。"
        }
        Words::HintAgain => {
            "トークンにある電子証明書をもう一度更新する場合は --although-renewed を付けてください。"
        }
        Words::HintForce => "期間外でも更新する場合は --force を付けてください。",
        Words::HintBegun => {
            "期限内に申請していれば、「usbtoken resume」または「usbtoken install ファイル」で完了できます。"
        }
        Words::HintAnchor => {
            "認証局の証明書を --trust-anchor ファイル で指定して「usbtoken retire」を実行してください。"
        }
        Words::HintAfterLogin => "ログイン後のページは --after-login アドレス で指定できます。",
        Words::HintConfirm => {
            "「usbtoken confirm」で確認できます。「usbtoken confirm --retire-old」は、確認できたときに古い電子証明書を削除します。"
        }
        Words::HintInstalled => {
            "新しい電子証明書は取り込み済みです。更新をもう一度実行しないでください（二重の申請になります）。"
        }
        Words::HintBank => "銀行は --bank で指定できます。",
        Words::HintKey => "鍵の種類は --key で指定できます。",
        Words::HintOldKeyElsewhere => "--form cms と --reuse-key を付けずに実行してください。",
        Words::HintReuseKey => "これまでの鍵を使うときは --reuse-key を付けてください。",
        Words::HintSee => {
            "残っている申請は「usbtoken pending」、電子証明書は「usbtoken list」で確認できます。"
        }
        Words::HintReadAgain => {
            "残っているものは「usbtoken list」と「usbtoken pending」で確認できます。同じコマンドをもう一度実行すると、USBトークンを読み直し、内容が変わっていなければ続きから行います。"
        }
        Words::HintRetire => "古い電子証明書は「usbtoken retire」で削除できます。",
        Words::HintSuccessor => "後継の電子証明書は「usbtoken retire --successor」で指定できます。",
        Words::HintSuccessorDoubtful => {
            "正しい場合は「usbtoken retire --successor」または --trust-anchor で指定できます。誤っている場合は「usbtoken renew --although-renewed」に --id か --serial でこの電子証明書を指定すると更新できます。"
        }
        Words::HintFinalTry => "最後の入力であることを承知で続ける場合は --final-try を付けてください。",
        Words::HintStatedLocked => "ロックされていないと分かっている場合は、--final-try を付けると送ります。",
        Words::HintPinAsTyped => "PINをそのまま送る場合は --pin-as-typed を付けてください。",
        Words::HintPinPad => {
            "パソコン側のPINは使っていません。トークンや読取装置にキーがないときは、--pin-as-typed を付けるとパソコン側のPINを送ります。"
        }
        Words::HintInProcess => "ドライバをこのプログラムの中で動かす場合は --in-process を付けてください。",
        Words::HintDriverLimit => "動作の遅いドライバを待つ秒数は --driver-limit 120 のように指定できます。",
        Words::HintTrustDriver => "それでも読み込む場合は --trust-driver を付けてください。",
        Words::HintAnyCaller => {
            "始めたWebサイトまたはプログラムで続けられないときは、--any-caller を付けて実行してください。"
        }
        Words::BegunBy => "開始元",
        Words::ByPage => "Webサイト",
        Words::ByProgram => "ほかのプログラム",
        Words::HintPinCorrected => {
            "端末から「usbtoken list --pin-file ファイル名」などで一度ログインするか、PINを正しく直したうえで --pin-corrected を付けて一度実行してください。"
        }
        Words::HintPin => "PINは --pin-file、--pin-env、または端末からの入力で渡せます。",
        Words::HintOverwrite => "上書きする場合は --overwrite を付けてください。",
        Words::HintSignAgain => "署名し直す場合は --sign-again を付けてください。",
        Words::HintSaveAnswer => {
            "応答の保存先を自分で指定する場合は --save-answer ファイル名 を付けてください。"
        }
        Words::HintStatePlace => {
            "保存先は、環境変数 XDG_STATE_HOME の示すフォルダ、なければ HOME の下にあります。このユーザーだけが使えるフォルダ(0700)にしてください。"
        }
        Words::HintOtherFile => {
            "--save-answer には書き込めるフォルダの新しいファイル名を指定するか、このオプションを外してください。"
        }
        Words::OnStandardError => {
            "標準エラー出力のBEGIN CA ANSWERの行からEND CA ANSWERの行まで（そのままinstallで取り込めます）"
        }
        Words::HintYes => {
            "確認の入力ができないため中止しました。確認なしで削除する場合は -y（--yes）を付けてください。"
        }
    };
    super::with_bank(fixed)
}
