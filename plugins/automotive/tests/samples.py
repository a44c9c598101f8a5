"""ADF messages of our own, in the forms that senders use."""

from __future__ import annotations

FULL = """<?xml version="1.0" encoding="UTF-8"?>
<?adf version="1.0"?>
<adf>
 <prospect status="new">
  <id sequence="2" source="Forwarder">F-1</id>
  <id sequence="1" source="AutoPortāls">77-A</id>
  <requestdate>2026-02-27T10:15:00+02:00</requestdate>
  <vehicle interest="trade-in" status="used">
   <year>2016</year><make>Škoda</make><model>Octavia</model><vin>tmbzzz5e0g0123456</vin>
   <odometer status="original" units="miles">95,400</odometer><condition>good</condition>
   <finance><method>finance</method><amount type="monthly">150</amount>
    <balance type="finance" currency="EUR">4.200,50</balance></finance>
   <comments>Viens īpašnieks</comments>
  </vehicle>
  <vehicle interest="test-drive" status="new">
   <year>2026</year><make>Volvo</make><model>EX30</model><stock>S-00001</stock><trim>Ultra</trim>
   <price type="msrp" currency="EUR">44 990,00</price><price type="quote" currency="EUR">42990</price>
   <imagetag width="400" height="300">https://example.com/ex30.jpg</imagetag>
   <finance><method>lease</method><amount type="downpayment" currency="EUR">5000</amount>
    <amount type="monthly" limit="maximum" currency="EUR">499.90</amount></finance>
  </vehicle>
  <vehicle interest="buy"><make>Volvo</make><model>EX40</model></vehicle>
  <customer>
   <contact>
    <name part="first">Jānis</name><name part="surname">Bērziņš</name>
    <email>Janis.Berzins@Example.COM</email>
    <phone type="voice">67 12-34</phone>
    <phone type="cellphone" time="evening" preferredcontact="1">26 123 456</phone>
    <address type="home"><street line="1">Brīvības iela 1</street><street line="2">k-2</street><apartment>5</apartment>
     <city>Rīga</city><postalcode>LV-1010</postalcode><country>Latvija</country></address>
    <loyalty tier="gold"><since>2019</since></loyalty>
   </contact>
   <timeframe><description>Šomēnes</description><earliestdate>2026-03-05</earliestdate></timeframe>
   <comments>Vai var izmēģināt sestdien?</comments>
  </customer>
  <vendor><vendorname>Baltic Motors</vendorname>
   <contact><name part="full">Sales</name><email>s@example.com</email></contact></vendor>
  <provider><name part="full">AutoPortāls</name><service>Jaunie auto</service><campaign>spring</campaign></provider>
 </prospect>
</adf>
"""

MINIMAL = (
    "<adf><prospect{status}>{id}<vehicle><make>Kia</make><model>{model}</model></vehicle>"
    "<customer><contact><name>{name}</name>{reach}</contact></customer></prospect></adf>"
)


def minimal(
    name: str = "Anna",
    reach: str = "<email>anna@example.com</email>",
    model: str = "EV3",
    id: str = "",
    status: str = "",
) -> str:
    """A message with one prospect."""
    return MINIMAL.format(name=name, reach=reach, model=model, id=id, status=status)


def several(*messages: str) -> str:
    """One message with the prospects of several."""
    return f"<adf>{''.join(m.removeprefix('<adf>').removesuffix('</adf>') for m in messages)}</adf>"
