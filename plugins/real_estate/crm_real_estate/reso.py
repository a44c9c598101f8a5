"""RESO Data Dictionary 2.0 lookups: names and values as the standard spells them, in its order.

A value is stored as it stands here, so that feeds and exports need no translation.
"""

from typing import Literal

# A value a line would be 250 lines of nothing to read.
# fmt: off

PropertyType = Literal[
    "Business Opportunity", "Commercial Lease", "Commercial Sale", "Farm", "Land", "Manufactured In Park",
    "Residential", "Residential Income", "Residential Lease",
]

PropertySubType = Literal[
    "Agriculture", "Apartment", "Boat Slip", "Business", "Cabin", "Condominium", "Co-Ownership", "Deeded Parking",
    "Duplex", "Farm", "Hotel/Motel", "Industrial", "Manufactured Home", "Manufactured On Land", "Mixed Use",
    "Mobile Home", "Mobile Home Park", "Multi Family", "Office", "Own Your Own", "Quadruplex", "Ranch", "Retail",
    "Single Family Residence", "Stock Cooperative", "Tenancy in Common", "Timeshare", "Townhouse", "Triplex",
    "Unimproved Land", "Warehouse",
]

AreaUnits = Literal["Square Feet", "Square Meters"]

LotSizeUnits = Literal["Acres", "Square Feet", "Square Meters"]

View = Literal[
    "Bay", "Beach", "Bridge(s)", "Canal", "Canyon", "City", "City Lights", "Creek/Stream", "Desert", "Downtown",
    "Forest", "Garden", "Golf Course", "Hills", "Lake", "Marina", "Meadow", "Mountain(s)", "Neighborhood", "None",
    "Ocean", "Orchard", "Other", "Panoramic", "Park/Greenbelt", "Pasture", "Pond", "Pool", "Ridge", "River",
    "Rural", "See Remarks", "Skyline", "Territorial", "Trees/Woods", "Valley", "Vineyard", "Water",
]

Furnished = Literal["Furnished", "Negotiable", "Partially", "Unfurnished"]

OccupantType = Literal["Owner", "Tenant", "Vacant"]

ListingAgreement = Literal[
    "Exclusive Agency",
    "Exclusive Right To Lease",
    "Exclusive Right To Sell",
    "Exclusive Right With Exception",
    "Net",
    "Open",
    "Probate",
]

SpecialListingConditions = Literal[
    "Auction", "Bankruptcy Property", "Conservatorship", "HUD Owned", "In Foreclosure", "Notice Of Default",
    "Probate Listing", "Real Estate Owned", "Short Sale", "Standard", "Third Party Approval", "Trust",
]

ShowingRequirements = Literal[
    "24 Hour Notice", "Appointment Only", "Call Listing Agent", "Call Listing Office", "Call Manager", "Call Owner",
    "Call Tenant", "Combination Lock Box", "Do Not Show", "Email Listing Agent", "Key In Office", "Lockbox",
    "No Lockbox", "No Sign", "Restricted Hours", "See Remarks", "Showing Service", "Text Listing Agent",
]

ShowingMethod = Literal["In-Person", "Other", "Virtual"]

ShowingRequestType = Literal["Broker Preview", "Broker Price Opinion", "First", "Inspection", "Second", "Walk-through"]

BuyerFinancing = Literal[
    "Assumed", "Cash", "Contract", "Conventional", "FHA", "FHA 203(b)", "FHA 203(k)", "Other", "Private",
    "Seller Financing", "Trust Deed", "USDA", "VA",
]

ContactType = Literal[
    "Business", "Buyer", "Buyer Attorney", "Family", "Financial Planner", "Friend", "Home Improvement Specialist",
    "Home Inspector", "Home Security Provider", "Home Warranty Representative", "Insurance Representative", "Landlord",
    "Lead", "Loan Officer", "Moving/Storage", "Other", "Prospect", "Ready to Buy", "Seller", "Seller Attorney",
    "Tenant", "Title Representative",
]

ContactListingPreference = Literal["Discard", "Favorite", "Possibility"]

PropertyCondition = Literal["Fixer", "New Construction", "To Be Built", "Under Construction", "Updated/Remodeled"]

Heating = Literal[
    "Active Solar", "Baseboard", "Ceiling", "Central", "Coal", "Coal Stove", "Ductless", "Electric",
    "ENERGY STAR Qualified Equipment", "ENERGY STAR/ACCA RSI Qualified Installation", "Exhaust Fan",
    "Fireplace Insert", "Fireplace(s)", "Floor Furnace", "Forced Air", "Geothermal", "Gravity", "Heat Pump",
    "Hot Water", "Humidity Control", "Kerosene", "Natural Gas", "None", "Oil", "Other", "Passive Solar",
    "Pellet Stove", "Propane", "Propane Stove", "Radiant", "Radiant Ceiling", "Radiant Floor", "See Remarks",
    "Separate Meters", "Solar", "Space Heater", "Steam", "Varies by Unit", "Wall Furnace", "Wood", "Wood Stove",
    "Zoned",
]
