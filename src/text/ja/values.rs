//! Japanese: values of facts that are stable names.

use crate::error::Fact;

/// The words for a value that is a stable name.
pub(in crate::text) fn fact_value(fact: Fact, value: &str) -> Option<&'static str> {
    Some(match (fact, value) {
        (Fact::Reason, "subject_differs") => "後継の主体者名が、指定された規則（subject）で許されていません",
        (Fact::Reason, "successor_is_the_old_one") => {
            "後継に指定された電子証明書は、削除する電子証明書そのものです"
        }
        (Fact::Reason, "successor_not_there") => "後継に指定された電子証明書がUSBトークンにありません",
        (Fact::Reason, "successor_has_ended") => "後継に指定された電子証明書は有効期限が切れています",
        (Fact::Reason, "successor_ends_earlier") => {
            "後継に指定された電子証明書は、削除する電子証明書より先に有効期限が切れます。古い電子証明書は期限まで残してください"
        }
        (Fact::Reason, "windows_only") => "この保管場所（windows:）はWindowsだけにあります",
        (Fact::Reason, "replaced_meanwhile") => "読み取る間に、別のファイルに置き換えられました",
        (Fact::Reason, "delivered_empty") => {
            "このUSBトークンは、電子証明書が入っていない状態で届きます。更新ではなく、最初の電子証明書の発行が必要です"
        }
        (Fact::Reason, "initial_pin") => {
            "このUSBトークンは初期PINで届きます。まだ変更していなければ初期PINを、変更したあとは変更後のPINを入力します"
        }
        (Fact::Reason, "no_home") => {
            "システムのユーザー一覧に、このユーザー自身のホームがありません。そのため、インストーラが作るフォルダが必要です"
        }
        (Fact::Reason, "file_not_there") => "指定された名前のファイルがありません（名前は表示しません）",
        (Fact::Reason, "variable_not_set") => "指定された名前の環境変数がありません（名前は表示しません）",
        (Fact::Reason, "pin_several_lines") => "2行以上あります。PINだけを1行で書いてください",
        (Fact::Reason, "pin_utf16") => "UTF-16で保存されています。BOMなしのUTF-8で保存し直してください",
        (Fact::Reason, "pin_control_character") => "タブなどの制御文字があります",
        (Fact::Reason, "full_width") => "全角の文字があります",
        (Fact::Reason, "blank_at_edge") => "先頭または末尾に空白があります",
        (Fact::Reason, "change_no_longer_wanted") => {
            "USBトークンはPINの変更を求めなくなりました。新しいPINが有効とみられます"
        }
        (Fact::Reason, "wrong_pin_counted") => {
            "USBトークンは誤りを1回数えたと申告しています。変更前のPINの誤りとみられ、PINは変わっていないとみられます"
        }
        (Fact::Reason, "pin_change_interrupted") => {
            "PINの変更が途中で終わっています。新しいPINが有効になっている可能性があります。まず新しいPINを、誤りであれば変更前のPINを入力してください"
        }
        (Fact::Reason, "ca_missing") => "この認証局の証明書が見つかりません",
        (Fact::Reason, "too_many_ways") => "証明書の組み合わせが多すぎます",
        (Fact::Reason, "signature_not_from_ca") => "署名が、証明書に書かれた認証局のものではありません",
        (Fact::Reason, "not_der") => "DERの規則どおりに書かれていないため、証明書のつながりを確認できません",
        (Fact::Reason, "not_yet_valid") => "有効期間がまだ始まっていません",
        (Fact::Reason, "expired") => "有効期限が切れています",
        (Fact::Reason, "not_ca") => "認証局の証明書ではありません（basicConstraints）",
        (Fact::Reason, "too_many_cas_below") => {
            "上位の認証局が許すより多くの認証局が下にあります（pathLenConstraint）"
        }
        (Fact::Reason, "usage_not_certificates") => "鍵の用途が証明書の署名を許していません（keyUsage）",
        (Fact::Reason, "purpose_not_client") => {
            "クライアント認証用の証明書の発行を許していません（extendedKeyUsage）"
        }
        (Fact::Reason, "policy_demanded") => {
            "証明書ポリシーを必須としていますが、全体に通用するポリシーがありません（policyConstraints）"
        }
        (Fact::Reason, "policy_mapping") => "anyPolicyを他のポリシーに対応付けています（policyMappings）",
        (Fact::Reason, "too_many_policies") => "証明書ポリシーが多すぎます",
        (Fact::Reason, "name_not_permitted") => {
            "上位の認証局が発行を許されていない名前です（nameConstraints）"
        }
        (Fact::Reason, "extension_unknown") => "重要と指定された、未知の拡張があります",
        (Fact::Reason, "extension_repeated") => "同じ拡張が二つ以上あります",
        (Fact::Reason, "malformed") => "拡張が規則どおりに書かれておらず、読み取れません",
        (Fact::Reason, "rule_broken") => "証明書の規則（RFC 5280 6.1節）に反しています",
        (Fact::Reason, "driver_in_this_process") => "ドライバがこのプロセスの中で動くことになります",
        (Fact::Reason, "driver_is_confined") => {
            "ドライバは、指定された範囲だけを使えるように制限されています"
        }
        (Fact::Reason, "softokn_in_use") => "このプログラムが、同じライブラリ（NSS）をすでに使っています",
        (Fact::Reason, "nss_crashed") => "読み取りに使うライブラリ（NSS）が異常終了しました",
        (Fact::Reason, "nss_not_permitted") => {
            "プロファイルの証明書データベース（cert9.db）を、このユーザーは読み取れません"
        }
        (Fact::Reason, "nss_damaged") => "プロファイルのデータベース（cert9.dbとkey4.db）が壊れています",
        (Fact::Reason, "nss_too_large") => "データベース（cert9.db）が、プロファイルとしては大きすぎます",
        (Fact::Reason, "nss_no_copy") => {
            "読み取り用の写しを、一時フォルダにも/dev/shmにも作れません。空き容量を確認してください"
        }
        (Fact::Reason, "nss_hangs") => "読み取りに使うライブラリ（NSS）が制限時間内に応答しません",
        (Fact::Reason, "first_issue") => {
            "この申請は新規の発行で、更新する電子証明書がありません。古い電子証明書は指定しないでください"
        }
        (Fact::Reason, "password_file_itself") => {
            "電子証明書や秘密鍵のファイルです。1行目にパスワードを書いたファイルを指定してください"
        }
        (Fact::Reason, "password_utf16") => "UTF-16で保存されています。UTF-8で保存し直してください",
        (Fact::Reason, "password_not_utf8") => {
            "UTF-8ではなく、Shift_JISなど別の文字コードで保存されています。UTF-8で保存し直してください"
        }
        (Fact::Reason, "password_too_long") => "パスワードとしては長すぎます",
        (Fact::Reason, "no_cert9") => "cert9.dbがありません",
        (Fact::Reason, "nss_old_form") => "古い形式（cert8.db）のプロファイルです",
        (Fact::Reason, "pkcs12_malformed") => "PKCS#12の形式として読み取れません",
        (Fact::Reason, "too_many_rounds") => "通常のファイルよりはるかに多くの計算を求めています",
        (Fact::Reason, "truncated") => "途中で切れています",
        (Fact::Reason, "not_a_certificate") => "証明書の形式ではありません",
        (Fact::Reason, "no_installation") => "取り込みの記録ではありません",
        (Fact::Reason, "no_record") => "ログインの確認の記録ではありません",
        (Fact::Reason, "no_ca_for_servers") => {
            "サーバを確認するための認証局の証明書が、このパソコンになく、指定もされていません"
        }
        (Fact::Reason, "not_given") => "ドライバが値を返しません",
        (Fact::Reason, "same_record") => "別の秘密鍵に同じ記録があります",
        (Fact::Reason, "id_of_another_certificate") => {
            "この鍵のものではない証明書に、同じCKA_IDが付いています"
        }
        (Fact::Reason, "record_of_public_key") => "公開鍵の記録が秘密鍵の記録と一致しません",
        (Fact::Reason, "old_certificate_not_there") => "記録が示す電子証明書が、このトークンにありません",
        (Fact::Reason, "certificate_of_another") => "この鍵に、別の発行元か名義の電子証明書があります",
        (Fact::Reason, "public_key_alone") => "公開鍵だけが残っていて、署名で確認できません",
        (Fact::Reason, "name_of_another_user") => {
            "新しい電子証明書の名前が、トークンにある別の利用者の電子証明書と同じです"
        }
        (Fact::Reason, "another_subject") => "主体者名が異なります",
        (Fact::Reason, "common_name_changed") => "この更新で発行されましたが、コモンネームが異なります",
        (Fact::Reason, "another_ca") => "別の認証局が発行しています",
        (Fact::Reason, "another_follows") => "記録によると、このトークンの別の電子証明書が後継になっています",
        (Fact::Reason, "follows_another") => "記録によると、指定された電子証明書は別の電子証明書の後継です",
        (Fact::Reason, "same_record_and_id") => "同じ記録とCKA_IDを持つ秘密鍵が二つあります",
        (Fact::Reason, "not_requested_here") => {
            "本ソフトウェアの鍵であることを示すのがトークン上の記録だけで、このパソコンにこの鍵の申請が残っていません"
        }
        (Fact::Reason, "no_private_key_shows") => {
            "トークンに秘密鍵が一つも見えないため、この公開鍵の秘密鍵も残っている可能性があります"
        }
        (Fact::Reason, "request_kept_here") => {
            "このパソコンにこの鍵の申請の控えがあり、秘密鍵は一時的に見えないだけの可能性があります"
        }
        (Fact::Reason, "key_of_renewed") => "トークンにある新しい電子証明書の秘密鍵です",
        (Fact::Reason, "request_of_another_key") => {
            "このパソコンでは、この申請を別の鍵で作成しています。この鍵の記録はその写しです"
        }
        (Fact::Reason, "public_key_unreadable") => "公開鍵を読み取れません",
        (Fact::Reason, "public_key_label_truncated") => "公開鍵のラベルが途中までしか返されません",
        (Fact::Reason, "key_does_not_sign") => "鍵で署名できません",
        (Fact::Reason, "another_key_signed") => "別の鍵で署名されました",
        (Fact::Reason, "two_keys_sign") => "この証明書に合う秘密鍵が二つあります",
        (Fact::Reason, "handle_of_another_object") => {
            "ドライバが、作成した鍵として、すでにあった別の鍵を示しました"
        }
        (Fact::Reason, "renewed_by_another_program") => "ほかのソフトウェアが更新したものです",
        (Fact::Reason, "not_beside_its_key") => "新しい電子証明書のIDが鍵のIDと異なります",
        (Fact::Reason, "issuer_not_shown") => "同じ認証局から発行されたことを確認できません",
        (Fact::Reason, "public_keys_alike") => {
            "同じIDまたは同じ値の公開鍵がほかにもあり、本ソフトウェアのものを区別できません"
        }
        (Fact::Reason, "certificates_alike") => {
            "同じIDの電子証明書がほかにもあり、同じ内容に見えるため、本ソフトウェアのものを区別できません"
        }
        (Fact::Reason, "object_changed") => "読み取ったときの内容から変わっています",
        (Fact::Reason, "not_kept") => {
            "ドライバーは電子証明書を書き込んだと応答しましたが、何も保存されていません。繰り返しても結果は同じです。別のドライバーを使うか、ドライバーの提供元に連絡してください"
        }
        (Fact::Reason, "value_of_another_call") => {
            "この関数は、戻り値の名前どおりの意味を返せません。PINの誤り、空き容量の不足、電子証明書の不備を示すものではありません"
        }
        (Fact::Reason, "pin_may_have_counted") => {
            "PINを送ったあとの応答がないため、PINの誤りとして数えられた可能性があります。再実行の前にPINを確かめてください"
        }
        (Fact::Reason, "key_may_be_there") => {
            "新しい鍵が（一部だけ）USBトークンに作成された可能性があります。現在の電子証明書は変わっていません"
        }
        (Fact::Reason, "certificate_may_be_there") => {
            "新しい鍵はUSBトークンに残っており、新しい電子証明書も書き込まれた可能性があります。現在の電子証明書は変わっていません"
        }
        (Fact::Reason, "object_may_be_gone") => {
            "削除の対象の一部が既に削除された可能性があります。残りはUSBトークンにあります"
        }
        (Fact::Reason, "new_key_stays") => {
            "新しい鍵はUSBトークンに残っています。現在の電子証明書は変わっていません"
        }
        (Fact::Reason, "new_certificate_stays") => {
            "新しい電子証明書はUSBトークンに書き込まれていますが、その鍵で署名できることは確認し終えていません。現在の電子証明書は変わっていません"
        }
        (Fact::Reason, "nothing_changed") => "USBトークンの内容は変更していません",
        (Fact::Reason, "object_unreadable") => "オブジェクトを読み取れません",
        (Fact::Reason, "another_session") => "別のセッションで読み取ったオブジェクトです",
        (Fact::Reason, "no_anchor") => "信頼する認証局（トラストアンカー）が指定されていません",
        (Fact::Reason, "first_names_no_object") => "新規発行は、トークンにある鍵や電子証明書を対象にしません",
        (Fact::Reason, "certificate_came") => "その間に、この鍵の電子証明書が書き込まれました",
        (Fact::Reason, "follower_not_there") => "後継の電子証明書もこのUSBトークンにありません",
        (Fact::Reason, "successor_went") => "代わりとなる電子証明書またはその鍵がなくなりました",
        (Fact::Reason, "profile_database") => "ブラウザの電子証明書や鍵のデータベースです",
        (Fact::Reason, "read_by_this_command") => "同じコマンドで読み取るファイルです",
        (Fact::Reason, "old_certificate_there") => "更新前の証明書を読み取ったファイルです",
        (Fact::Reason, "no_old_key") => "使用できる古い証明書の鍵がありません",
        (Fact::Reason | Fact::Detail, "after_last") => "最後の項目より後ろです",
        (Fact::Reason | Fact::Detail, "both_encodings") => "二つの文字コードの両方で指定されています",
        (Fact::Reason | Fact::Detail, "call_under_way") => "まだ終わっていない別の呼び出しがあります",
        (Fact::Reason | Fact::Detail, "ec_point") => "楕円曲線の点を読み取れません",
        (Fact::Reason | Fact::Detail, "ec_point_form") => "楕円曲線の点が非圧縮形式ではありません",
        (Fact::Reason | Fact::Detail, "ec_point_off_curve") => "楕円曲線の点が曲線上にありません",
        (Fact::Reason | Fact::Detail, "empty") => "空です",
        (Fact::Reason | Fact::Detail, "key_must_be_new") => "鍵は新しいものでなければなりません",
        (Fact::Reason | Fact::Detail, "misaligned") => "境界にそろっていません",
        (Fact::Reason | Fact::Detail, "no_credential_nor_subject") => {
            "証明書もサブジェクトも指定されていません"
        }
        (Fact::Reason | Fact::Detail, "no_folder") => "フォルダではありません",
        (Fact::Reason | Fact::Detail, "no_regular_file") => "通常のファイルではありません",
        (Fact::Reason | Fact::Detail, "no_reference") => "受付番号の形式ではありません",
        (Fact::Reason | Fact::Detail, "not_0_or_1") => "0か1でなければなりません",
        (Fact::Reason | Fact::Detail, "not_exactly_one") => "一つだけでなければなりません",
        (Fact::Reason | Fact::Detail, "not_hexadecimal") => "16進数ではありません",
        (Fact::Reason | Fact::Detail, "not_of_algorithm") => "このAlgorithmにはない値です",
        (Fact::Reason | Fact::Detail, "not_signed_by_old_key") => {
            "USBTOKEN_RENEW_SIGNED_BY_OLD_KEYが指定されていませんでした"
        }
        (Fact::Reason | Fact::Detail, "not_utf16") => "UTF-16ではありません",
        (Fact::Reason | Fact::Detail, "not_utf8") => "UTF-8ではありません",
        (Fact::Reason | Fact::Detail, "not_zero") => "0でなければなりません",
        (Fact::Reason | Fact::Detail, "not_zero_allowed") => "0は指定できません",
        (Fact::Reason | Fact::Detail, "nul_inside") => "途中にNULがあります",
        (Fact::Reason | Fact::Detail, "null") => "NULLです",
        (Fact::Reason | Fact::Detail, "null_or_misaligned") => "NULLか、境界にそろっていません",
        (Fact::Reason | Fact::Detail, "of_another_user") => "別のユーザーのものです",
        (Fact::Reason | Fact::Detail, "one_in_use") => "すでに一つ使われています",
        (Fact::Reason | Fact::Detail, "open_to_others") => "ほかのユーザーが読み書きできます",
        (Fact::Reason | Fact::Detail, "out_of_range") => "範囲外です",
        (Fact::Reason | Fact::Detail, "rest_cut_off") => "残りは読み取っていません",
        (Fact::Reason | Fact::Detail, "rsa_numbers") => "RSAの法または指数が正しくありません",
        (Fact::Reason | Fact::Detail, "set_beside_credential") => "証明書と同時に指定されています",
        (Fact::Reason | Fact::Detail, "struct_size_unset") => "struct_sizeが設定されていません",
        (Fact::Reason | Fact::Detail, "too_large") => "大きすぎます",
        (Fact::Reason | Fact::Detail, "too_long") => "長すぎます",
        (Fact::Reason | Fact::Detail, "too_many") => "数が多すぎます",
        (Fact::Reason | Fact::Detail, "unknown_fields") => "この版が知らない項目があります",
        (Fact::Reason | Fact::Detail, "unknown_property") => {
            "知らないプロパティか、そのプロパティの値ではありません"
        }
        (Fact::Reason | Fact::Detail, "unknown_value") => "知らない値です",
        (Fact::Reason | Fact::Detail, "unused_bits") => "subjectPublicKeyに余分なビットがあります",
        (Fact::Detail, "lock_removed") => "そのファイルまたはフォルダが、削除されたか名前を変えられました",
        (Fact::Detail, "lock_replaced") => "別のファイルに置き換えられました",
        (Fact::Detail, "not_the_administrators") => "管理者のものではありません",
        (Fact::Reason | Fact::Detail, "writable_by_others") => "ほかのユーザーが書き込めます",
        (Fact::Expected, "absolute_path") => "絶対パス",
        (Fact::Expected, "cookie_64_kib") => "64 KiB以下のクッキー",
        (Fact::Expected, "cookie_utf8") => "UTF-8のクッキー",
        (Fact::Expected, "cookie_without_nul") => "NULを含まないクッキー",
        (Fact::Expected, "fewer_than_before") => "前の値より小さい数",
        (Fact::Expected, "no_control_characters") => "制御文字のない文字列",
        (Fact::Expected, "not_empty") => "空でない値",
        (Fact::Expected, "once") => "一度だけ",
        (Fact::Expected, "proxy_url") => "http://host:port（ユーザー名とパスワードなし）",
        (Fact::Expected, "seconds_first") => "1行目に待つ秒数",
        (Fact::Expected, "text") => "文字",
        (Fact::IssuerContinuity, "not_checked") => {
            "確認できていません（認証局の証明書がないか、同じ名前でも認証局の鍵が異なります）"
        }
        (Fact::IssuerContinuity, "another_issuer") => "名前も鍵も異なる別の認証局です",
        (Fact::Seen, "without_pin") => {
            "PINなしで見える電子証明書だけ（ログイン後にほかの電子証明書が見えるトークンもあります）"
        }
        (Fact::Holder, "this_program") => "このプログラム自身の別の処理",
        _ => return None,
    })
}
